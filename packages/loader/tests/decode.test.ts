import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeInto } from "../src/decode.ts";
import { startsAs } from "../src/forms.ts";
import { builtPack, noise, sha256 } from "./support/packs.ts";

const path = "/c/7a2cd25623605d6c0d30043f85a7a804e4ed15ca163597ab10b6673013192301.z.bin";
const ZSTD = builtPack("stored").get(path) as Uint8Array<ArrayBuffer>;
const ZSTD_PLAIN_BYTES = 21_504;
const TEXT = new Uint8Array(Buffer.from("again and again ".repeat(100)));
const GZIP = new Uint8Array(gzipSync(TEXT));

describe("zstd, as the builder writes it", () => {
  test("is decoded to the bytes of its name", async () => {
    const target = new Uint8Array(ZSTD_PLAIN_BYTES);
    expect(await decodeInto(target, ZSTD, "zstd")).toBe(true);
    expect(path).toContain(sha256(target));
  });

  test.each([
    ["a frame that is cut off", ZSTD_PLAIN_BYTES, ZSTD.slice(0, 1000)],
    ["nothing", ZSTD_PLAIN_BYTES, ZSTD.slice(0, 0)],
    ["noise", ZSTD_PLAIN_BYTES, noise(3, 2000)],
    ["noise behind the magic", ZSTD_PLAIN_BYTES, new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, ...noise(3, 2000)])],
  ])("%s does not fit, and nothing is thrown", async (_, size, encoded) => {
    expect(await decodeInto(new Uint8Array(size), encoded, "zstd")).toBe(false);
  });

  test("never makes more than its target holds; that it is something else, the hash will say", async () => {
    const whole = new Uint8Array(ZSTD_PLAIN_BYTES);
    await decodeInto(whole, ZSTD, "zstd");
    const small = new Uint8Array(1000);
    await decodeInto(small, ZSTD, "zstd");
    expect(small).toHaveLength(1000);
    expect(sha256(small)).not.toBe(sha256(whole));
  });

  test("with any bit flipped gives other bytes or none, never more memory or an error", async () => {
    for (let bit = 0; bit < ZSTD.length * 8; bit += 97) {
      const damaged = ZSTD.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const target = new Uint8Array(ZSTD_PLAIN_BYTES);
      const fits = await decodeInto(target, damaged, "zstd");
      expect(typeof fits).toBe("boolean");
    }
  });
});

describe("gzip", () => {
  test("is decoded", async () => {
    const target = new Uint8Array(TEXT.length);
    expect(await decodeInto(target, GZIP, "gzip")).toBe(true);
    expect(target).toEqual(TEXT);
  });

  test.each([
    ["too small a target", TEXT.length - 1, GZIP],
    ["too large a target", TEXT.length + 1, GZIP],
    ["a stream that is cut off", TEXT.length, GZIP.slice(0, 20)],
    [
      "a wrong checksum",
      TEXT.length,
      GZIP.map((byte, position) => (position === GZIP.length - 6 ? byte ^ 1 : byte)),
    ],
    ["noise", TEXT.length, noise(3, 200)],
  ])("%s does not fit, and nothing is thrown", async (_, size, encoded) => {
    expect(await decodeInto(new Uint8Array(size), encoded, "gzip")).toBe(false);
  });
});

test.each([
  ["gzip", GZIP, true],
  ["gzip", ZSTD, false],
  ["zstd", ZSTD, true],
  ["zstd", GZIP, false],
  ["zstd", new Uint8Array([0x28, 0xb5]), false],
] as const)("startsAs(%s) case %#", (form, bytes, expected) => {
  expect(startsAs(form, bytes)).toBe(expected);
});
