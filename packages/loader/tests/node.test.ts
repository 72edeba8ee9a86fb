import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { diskStore, fileFetch } from "../src/node.ts";
import { noise } from "./support/packs.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "modelpack-"));

describe("fileFetch", () => {
  test("reads a file", async () => {
    const path = join(folder(), "a.bin");
    writeFileSync(path, noise(1, 50));
    const response = await fileFetch(pathToFileURL(path).href, {});
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(noise(1, 50));
  });

  test("answers 404 for a file that is not there", async () => {
    expect((await fileFetch(pathToFileURL(join(folder(), "none")).href, {})).status).toBe(404);
  });

  test("fails for what is no file, and where it is aborted", async () => {
    await expect(fileFetch(pathToFileURL(folder()).href, {})).rejects.toThrow("EISDIR");
    const signal = AbortSignal.abort("enough");
    await expect(fileFetch("file:///x", { signal })).rejects.toBe("enough");
  });
});

describe("diskStore", () => {
  test("keeps entries across stores of one folder", async () => {
    const root = folder();
    await diskStore(root).write("aa", noise(1, 20));
    const store = diskStore(root);
    expect(await store.read("aa")).toEqual(noise(1, 20));
    expect(await store.list()).toEqual([{ key: "aa", sizeBytes: 20 }]);
    await store.remove("aa");
    expect(await store.read("aa")).toBeUndefined();
    await store.remove("aa");
  });

  test("is empty where there is no folder", async () => {
    expect(await diskStore(join(folder(), "none")).list()).toEqual([]);
  });

  test("leaves no half entry behind", async () => {
    const root = folder();
    const store = diskStore(root);
    await expect(store.write("no/such/folder", noise(1, 20))).rejects.toThrow("ENOENT");
    expect(readdirSync(join(root, "modelpack-v1"))).toEqual([]);
  });
});
