import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ModelpackError } from "../src/errors.ts";
import { MAX_MANIFEST_BYTES, parseManifest } from "../src/manifest.ts";

const FIXTURES = new URL("../../../tests/fixtures/hostile_manifests/", import.meta.url);
const URL_TEXT = "https://example.test/manifest.json";

interface Entry {
  readonly file: string;
  readonly why: string;
  readonly refusedBy: readonly string[];
}

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FIXTURES)));
}

const index = JSON.parse(new TextDecoder().decode(fixture("index.json"))) as readonly Entry[];
const refused = index.filter((entry) => entry.refusedBy.includes("loader"));
const read = index.filter((entry) => !entry.refusedBy.includes("loader"));

function refusal(bytes: Uint8Array): ModelpackError {
  try {
    parseManifest(bytes, URL_TEXT);
  } catch (error) {
    if (error instanceof ModelpackError) return error;
    throw error;
  }
  throw new Error("not refused");
}

describe("the fixtures that the builder refuses too", () => {
  test("are all listed", () => {
    const files = readdirSync(FIXTURES).filter((name) => name !== "index.json");
    expect(index.map((entry) => entry.file).sort()).toEqual(files.sort());
  });

  test.each(refused)("$file is refused: $why", ({ file }) => {
    const { code } = refusal(fixture(file));
    const expected = file.startsWith("version-")
      ? "MANIFEST_VERSION"
      : file === "html.json"
        ? "MANIFEST_FETCH"
        : "MANIFEST_INTEGRITY";
    expect(code).toBe(expected);
  });

  test.each(read)("$file is read: $why", ({ file }) => {
    expect([...parseManifest(fixture(file), URL_TEXT).models.keys()]).toEqual(["m"]);
  });
});

describe("parseManifest", () => {
  test("gives back the fields of the manifest", () => {
    const { delivery, chunks, files, models } = parseManifest(fixture("valid.json"), URL_TEXT);

    expect(delivery).toEqual({ base: "./", chunkUrl: "c/{hash}{ext}", mode: "stored", mirrors: [] });
    expect(chunks[1]?.enc).toEqual({ gzip: 50 });
    expect(files.get("m@q8/model.data")?.parts).toEqual([
      { chunk: 1, offset: 0, length: 200 },
      { chunk: undefined, offset: 0, length: 64 },
      { chunk: 3, offset: 0, length: 200 },
    ]);
    expect(models.get("m")?.variants.map(({ id, device }) => [id, device])).toEqual([
      ["fp16", "webgpu"],
      ["q8", "wasm"],
    ]);
    expect(models.get("m")?.variants[0]?.requires.webgpu?.features).toEqual(["shader-f16"]);
  });

  test.each([
    ["version-newer.json", "manifestVersion 2; expected 1"],
    ["html.json", "is a web page, not a manifest"],
    ["file-size-small.json", "files.m@q8/model.data.size is 463; expected 464"],
    ["chunk-past-2-53.json", "expected a whole number from 1 to 16777216"],
    ["proto-key-in-models.json", 'the key "__proto__" is not allowed'],
    ["part-past-end.json", "11 bytes from 1 do not lie in chunk 2 of 11 bytes"],
    ["file-idle.json", "nothing refers to it"],
  ])("says of %s what was found and expected", (file, text) => {
    expect(refusal(fixture(file)).message).toContain(text);
  });

  test("refuses a key that is spelled with an escape", () => {
    const text = new TextDecoder()
      .decode(fixture("proto-key-in-files.json"))
      .replace("__proto__", "\\u005f_proto__");
    expect(refusal(new TextEncoder().encode(text)).code).toBe("MANIFEST_INTEGRITY");
  });

  test("refuses unread what is larger than any manifest", () => {
    expect(refusal(new Uint8Array(MAX_MANIFEST_BYTES + 1)).message).toContain("at most");
  });

  test("refuses text that is not UTF-8, and a byte order mark", () => {
    const valid = fixture("valid.json");
    expect(refusal(Uint8Array.of(0xff, 0xfe, ...valid)).code).toBe("MANIFEST_INTEGRITY");
    expect(refusal(Uint8Array.of(0xef, 0xbb, 0xbf, ...valid)).code).toBe("MANIFEST_INTEGRITY");
  });

  test("refuses a manifest that is cut off anywhere", () => {
    const text = JSON.stringify(JSON.parse(new TextDecoder().decode(fixture("valid.json"))));
    const compact = new TextEncoder().encode(text);
    for (let length = 0; length < compact.length; length += 3) {
      expect(refusal(compact.subarray(0, length)).code).toBe("MANIFEST_INTEGRITY");
    }
  });

  test("reads or refuses, with nothing else thrown, whatever bit is flipped", () => {
    const valid = fixture("valid.json");
    for (let bit = 0; bit < valid.length * 8; bit += 5) {
      const damaged = valid.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        parseManifest(damaged, URL_TEXT);
      } catch (error) {
        expect(error).toBeInstanceOf(ModelpackError);
      }
    }
  });
});
