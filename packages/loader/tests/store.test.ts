/** Stores for browsers, over stand-ins for what browsers offer. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cacheApiStore } from "../src/cache-api.ts";
import type { ModelpackError } from "../src/errors.ts";
import { memoryStore } from "../src/memory.ts";
import { openStore, type StorageScope } from "../src/open-store.ts";
import { opfsStore } from "../src/opfs.ts";
import type { ModelStore } from "../src/store.ts";
import { noise } from "./support/packs.ts";
import { fakeCaches, fakeStorage } from "./support/storage.ts";

const stores: readonly (readonly [string, () => Promise<ModelStore>])[] = [
  ["memory", async () => memoryStore()],
  ["cache-api", () => cacheApiStore(fakeCaches())],
  ["opfs", () => opfsStore(fakeStorage())],
];

describe.each(stores)("the %s store", (kind, open) => {
  test("gives back what was written, until it is removed", async () => {
    const store = await open();
    expect(store.kind).toBe(kind);
    expect(await store.read("aa")).toBeUndefined();
    await store.write("aa", noise(1, 30));
    await store.write("bb", noise(2, 40));
    await store.write("aa", noise(3, 50));
    expect(await store.read("aa")).toEqual(noise(3, 50));
    expect([...(await store.list())].sort((a, b) => a.sizeBytes - b.sizeBytes)).toEqual([
      { key: "bb", sizeBytes: 40 },
      { key: "aa", sizeBytes: 50 },
    ]);
    await store.remove("aa");
    await store.remove("aa");
    expect(await store.read("aa")).toBeUndefined();
  });

  test("keeps its own copy", async () => {
    const store = await open();
    const bytes = noise(1, 30);
    await store.write("aa", bytes);
    bytes.fill(0);
    expect(await store.read("aa")).toEqual(noise(1, 30));
  });
});

test("the Cache API store leaves entries of others alone", async () => {
  const caches = fakeCaches();
  const cache = await caches.open("modelpack-v1");
  await cache.put("https://example.test/page", new Response("theirs"));
  const store = await cacheApiStore(caches);
  expect(await store.list()).toEqual([]);
  expect(await store.read("page")).toBeUndefined();
});

describe("the OPFS store", () => {
  test("leaves nothing behind where writing fails", async () => {
    const storage = fakeStorage({ failWrites: true });
    const store = await opfsStore(storage);
    await expect(store.write("aa", noise(1, 30))).rejects.toThrow("full");
    expect(await store.list()).toEqual([]);
    expect(await store.read("aa")).toBeUndefined();
  });

  test("writes nothing once aborted", async () => {
    const store = await opfsStore(fakeStorage());
    await expect(store.write("aa", noise(1, 30), AbortSignal.abort())).rejects.toThrow("abort");
    expect(await store.read("aa")).toBeUndefined();
  });

  test("does not read a file that another tab is writing", async () => {
    const storage = fakeStorage();
    const folder = await (await storage.getDirectory()).getDirectoryHandle("modelpack-v1", { create: true });
    await folder.getFileHandle("aa", { create: true }); // created, and not yet closed
    const store = await opfsStore(storage);
    expect(await store.read("aa")).toBeUndefined();
    expect(await store.list()).toEqual([{ key: "aa", sizeBytes: 0 }]);
  });

  test("passes on other errors than that an entry is missing", async () => {
    const store = await opfsStore(fakeStorage({ failReads: true }));
    await expect(store.read("aa")).rejects.toThrow("denied");
  });
});

describe("openStore", () => {
  const before = (globalThis as { FileSystemFileHandle?: unknown }).FileSystemFileHandle;
  beforeEach(() => {
    (globalThis as { FileSystemFileHandle?: unknown }).FileSystemFileHandle = {
      prototype: { createWritable: () => undefined },
    };
  });
  afterEach(() => {
    (globalThis as { FileSystemFileHandle?: unknown }).FileSystemFileHandle = before;
  });

  async function opened(
    choice: "auto" | "cache-api" | "opfs" | "memory",
    scope: StorageScope,
  ): Promise<readonly string[]> {
    const warnings: ModelpackError[] = [];
    const store = await openStore(choice, scope, (warning) => warnings.push(warning));
    return [store.kind, ...warnings.map(({ code }) => code)];
  }

  const blocked = {
    getDirectory: () => Promise.reject(new DOMException("blocked", "SecurityError")),
  } as unknown as StorageManager;

  test.each<readonly ["auto" | "cache-api" | "opfs" | "memory", () => StorageScope, readonly string[]]>([
    ["auto", () => ({ navigator: { storage: fakeStorage() }, caches: fakeCaches() }), ["opfs"]],
    ["auto", () => ({ caches: fakeCaches() }), ["cache-api"]],
    ["auto", () => ({ navigator: { storage: blocked }, caches: fakeCaches() }), ["cache-api"]],
    ["auto", () => ({ navigator: { storage: blocked } }), ["none", "QUOTA"]],
    ["auto", () => ({}), ["none"]],
    ["cache-api", () => ({ navigator: { storage: fakeStorage() }, caches: fakeCaches() }), ["cache-api"]],
    ["cache-api", () => ({ navigator: { storage: fakeStorage() } }), ["none", "QUOTA"]],
    ["opfs", () => ({ caches: fakeCaches() }), ["none", "QUOTA"]],
    ["memory", () => ({ navigator: { storage: fakeStorage() } }), ["memory"]],
  ])("%s (case %#)", async (choice, scope, expected) => {
    expect(await opened(choice, scope())).toEqual(expected);
  });

  test("what keeps nothing answers all the same", async () => {
    const store = await openStore("auto", {}, () => undefined);
    await store.write("aa", noise(1, 3));
    expect(await store.read("aa")).toBeUndefined();
    await store.remove("aa");
    expect(await store.list()).toEqual([]);
  });
});
