import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { load, type ModelStore, modelCache } from "../src/index.ts";
import { memoryStore } from "../src/memory.ts";
import { fakeOrt } from "./support/ort.ts";
import { makePack, noise, SMALL, sha256 } from "./support/packs.ts";
import { type ScriptedServer, scriptedServer } from "./support/server.ts";

const pack = makePack({
  variants: [SMALL, { id: "other", chunks: [noise(7, 70), noise(2, 300)] }],
  assets: { labels: noise(8, 10) },
});
const options = (cache: ModelStore): { cache: ModelStore; facts: object } => ({ cache, facts: {} });

let server: ScriptedServer;
let ref: string;
let cache: ModelStore;
beforeEach(async () => {
  server = await scriptedServer(pack.files);
  ref = `${server.url}/manifest.json#m`;
  cache = memoryStore();
});
afterEach(() => server[Symbol.asyncDispose]());

async function loaded(variant: string = "small"): Promise<void> {
  const model = await load(ref, { ...options(cache), ort: fakeOrt(), variant });
  await model.asset("labels");
}

async function hashes(): Promise<readonly string[]> {
  return (await modelCache.list(options(cache))).map(({ key }) => key).sort();
}

const expectedHashes = (...chunks: readonly Uint8Array[]): readonly string[] => chunks.map(sha256).sort();

describe("modelCache", () => {
  test("lists chunks, and nothing else that is stored", async () => {
    await loaded();
    await modelCache.pin(ref, options(cache));
    expect(await hashes()).toEqual(expectedHashes(noise(1, 40), noise(2, 300), noise(3, 200), noise(8, 10)));
    expect(await modelCache.size(options(cache))).toBe(550);
  });

  test("knows whether a model is stored as a whole", async () => {
    expect(await modelCache.isCached(ref, options(cache))).toBe(false);
    await loaded();
    expect(await modelCache.isCached(ref, options(cache))).toBe(true);
    expect(await modelCache.isCached(ref, { ...options(cache), variant: "other" })).toBe(false);
  });

  test("verify finds and removes what is damaged", async () => {
    await loaded();
    await cache.write(sha256(noise(2, 300)), noise(5, 300));
    await cache.remove(sha256(noise(3, 200)));
    expect(await modelCache.verify(ref, options(cache))).toEqual({
      intact: [sha256(noise(1, 40))],
      damaged: [sha256(noise(2, 300))],
      missing: [sha256(noise(3, 200))],
    });
    expect(await cache.read(sha256(noise(2, 300)))).toBeUndefined();
  });

  test("evict removes a model with its assets, but not what another pin holds", async () => {
    await loaded();
    await using other = await scriptedServer(
      makePack({ variants: [{ id: "x", chunks: [noise(9, 9), noise(2, 300)] }] }).files,
    );
    await modelCache.pin(`${other.url}/manifest.json#m`, options(cache));
    await modelCache.evict(ref, options(cache));
    expect(await hashes()).toEqual(expectedHashes(noise(2, 300)));
  });

  test("gc removes all but what is kept or pinned, and says how much", async () => {
    await loaded();
    await cache.write(sha256(noise(20, 1000)), noise(20, 1000));
    expect(await modelCache.gc([ref], options(cache))).toBe(1000);
    expect(await modelCache.size(options(cache))).toBe(550);
    await modelCache.pin(ref, options(cache));
    expect(await modelCache.gc([], options(cache))).toBe(0);
    await modelCache.evict(ref, options(cache));
    expect(await modelCache.size(options(cache))).toBe(0);
    expect(await modelCache.gc([], options(cache))).toBe(pack.manifest.length);
    expect(await cache.list()).toEqual([]);
  });

  test("a pin that something else has overwritten holds nothing", async () => {
    await loaded();
    await modelCache.pin(ref, options(cache));
    const pin = (await cache.list()).find(({ key }) => key.startsWith("pin-"))?.key ?? "";
    await cache.write(pin, new Uint8Array(Buffer.from("not JSON")));
    expect(await modelCache.gc([], options(cache))).toBe(550 + pack.manifest.length);
  });

  test("clear removes everything", async () => {
    await loaded();
    await modelCache.clear(options(cache));
    expect(await cache.list()).toEqual([]);
  });
});
