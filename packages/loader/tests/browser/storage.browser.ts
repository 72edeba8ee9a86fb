/** L04, L10, L12–L17: what is stored, lost, damaged, replaced or shared between tabs. */
import { describe, expect } from "vitest";
import * as answers from "./support/answers.ts";
import { chunkPaths, exactly, expected, expectWorks, type Scene, scene } from "./support/scene.ts";

const BANDS = chunkPaths("bands", "fp32");
const NEXT_BANDS = chunkPaths("bands", "fp32", "redeployed");
const ref = { manifestUrl: "/models/manifest.json", model: "bands" };
const LOAD = { ref, feeds: expected("bands").feeds } as const;
const CHUNKS = /^\/models\/c\//;

/** Waits until so many chunks are stored. */
async function untilStored({ tab }: Pick<Scene, "tab">, count: number): Promise<void> {
  while ((await tab.stored()).sound.length < count) await tab.page.waitForTimeout(20);
}

function distinct(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].sort();
}

describe.each(["opfs", "cache-api"] as const)("what is stored (%s)", (cache) => {
  const load = { ...LOAD, options: { cache } };

  scene("is not fetched again, and works without a network", async ({ site, tab, context }) => {
    expectWorks(await tab.attempt(load), "bands");
    expect((await tab.stored()).sound).toHaveLength(BANDS.length);
    site.log.splice(0);
    await tab.page.reload();
    expectWorks(await tab.attempt(load), "bands");
    expect(site.chunkRequests()).toEqual([]);
    await context.setOffline(true);
    await tab.page.evaluate(() => harness.release());
    const outcome = await tab.attempt({ ...load, does: "preload" });
    expect(outcome).toMatchObject({ code: "OK" });
  });
  scene("survives a reload midway: only what is missing is fetched", async (given) => {
    const { site, tab } = given;
    site.always(exactly(BANDS.at(-1) as string), answers.silent);
    site.always(exactly(BANDS.at(-2) as string), answers.silent);
    void tab.attempt(load).catch(() => undefined);
    await untilStored(given, BANDS.length - 2);
    await tab.page.reload();
    site.clearScripts();
    site.log.splice(0);
    expectWorks(await tab.attempt(load), "bands");
    expect(distinct(site.chunkRequests())).toEqual(distinct(BANDS.slice(-2)));
  });
  scene("survives a crash of the tab midway", async (given) => {
    const { site, tab, openTab } = given;
    site.always(exactly(BANDS.at(-1) as string), answers.stalledAfter(0.5));
    void tab.attempt(load).catch(() => undefined);
    await untilStored(given, BANDS.length - 1);
    await tab.page.close();
    site.clearScripts();
    site.log.splice(0);
    expectWorks(await (await openTab()).attempt(load), "bands");
    expect(site.chunkRequests()).toEqual([BANDS.at(-1)]);
  });
  scene("and damaged is noticed, removed and fetched again", async ({ site, tab }) => {
    expectWorks(await tab.attempt(load), "bands");
    await tab.page.evaluate(() => harness.damageStored());
    expect((await tab.stored()).bad).toHaveLength(BANDS.length);
    site.log.splice(0);
    expectWorks(await tab.attempt(load), "bands");
    expect(distinct(site.chunkRequests())).toEqual(distinct(BANDS));
    expect((await tab.stored()).sound).toHaveLength(BANDS.length);
  });
  scene(
    "and damaged, with the network gone, ends in CHUNK_FETCH",
    async ({ site, tab }) => {
      expectWorks(await tab.attempt(load), "bands");
      await tab.page.evaluate(() => harness.damageStored());
      site.always(CHUNKS, answers.reset);
      expect(await tab.attempt(load)).toMatchObject({ code: "CHUNK_FETCH", retryable: true });
    },
    { mayStoreBad: true }, // what was not read before the end
  );
  scene("and half evicted is completed", async ({ site, tab }) => {
    expectWorks(await tab.attempt(load), "bands");
    await tab.page.evaluate(() => harness.dropStored(5));
    site.log.splice(0);
    expectWorks(await tab.attempt(load), "bands");
    expect(site.chunkRequests()).toHaveLength(BANDS.length - 5);
  });
  scene("and evicted between listing and reading is fetched", async ({ site, tab }) => {
    expectWorks(await tab.attempt(load), "bands");
    await tab.page.evaluate(() => {
      let dropped: Promise<void> | undefined;
      const afterDropping = (owner: object, name: string): void => {
        const original = Reflect.get(owner, name) as (this: unknown, ...given: unknown[]) => unknown;
        const replacement = async function (this: unknown, ...given: unknown[]): Promise<unknown> {
          // The stores read by a name; what is listed is asked for by other means.
          const isRead = typeof given[0] === "string" && given[0].length >= 64;
          if (isRead) dropped ??= harness.dropStored(0);
          await dropped;
          return original.apply(this, given);
        };
        Reflect.set(owner, name, replacement);
      };
      afterDropping(FileSystemDirectoryHandle.prototype, "getFileHandle");
      afterDropping(Cache.prototype, "match");
    });
    site.log.splice(0);
    expectWorks(await tab.attempt(load), "bands");
    expect(site.chunkRequests().length).toBeGreaterThan(0);
  });
  scene("and all evicted while a model runs does not touch it", async ({ tab }) => {
    expectWorks(await tab.attempt(load), "bands");
    await tab.page.evaluate(() => harness.clearStorage());
    expectWorks(await tab.again(LOAD.feeds), "bands");
  });
  scene("by another layout is neither read nor removed", async ({ tab }) => {
    await tab.page.evaluate(async () => {
      await (await caches.open("modelpack-v0")).put("/x", new Response("old"));
      await (await navigator.storage.getDirectory()).getDirectoryHandle("modelpack-v0", { create: true });
    });
    expectWorks(await tab.attempt(load), "bands");
    const left = await tab.page.evaluate(async () => {
      await (await harness.loader).modelCache.clear();
      return [
        await caches.has("modelpack-v0"),
        (await (await navigator.storage.getDirectory()).getDirectoryHandle("modelpack-v0")).name,
      ];
    });
    expect(left).toEqual([true, "modelpack-v0"]);
  });
});

describe("storage that is", () => {
  scene("full is one warning, and the model runs", async ({ site, tab, protocol }) => {
    const { origin } = site;
    await (await protocol()).send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1000 });
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome, "bands");
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["QUOTA"]);
  });
  scene("full after some chunks keeps those, and the model runs", async ({ site, tab, protocol }) => {
    const { origin } = site;
    await (await protocol()).send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1_000_000 });
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome, "bands");
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["QUOTA"]);
    const { sound } = await tab.stored();
    expect(sound.length).toBeLessThan(BANDS.length);
  });
  scene("too small is said before the download", async ({ tab }) => {
    const outcome = await tab.attempt({
      ...LOAD,
      does: "plan",
      options: { facts: { storageBytes: 100_000 } },
    });
    expect(outcome).toMatchObject({ code: "OK", plan: { fitsStorage: false } });
  });
  scene("full for the Cache API, too, is one warning", async ({ site, tab, protocol }) => {
    const { origin } = site;
    await (await protocol()).send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1000 });
    const outcome = await tab.attempt({ ...LOAD, options: { cache: "cache-api" } });
    expectWorks(outcome, "bands");
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["QUOTA"]);
  });
  scene("refused gives one warning, and the model runs", async ({ tab }) => {
    await tab.page.evaluate(() => {
      const refuse = () => Promise.reject(new DOMException("blocked", "SecurityError"));
      StorageManager.prototype.getDirectory = refuse;
      CacheStorage.prototype.open = refuse;
    });
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome, "bands");
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["QUOTA"]);
  });
  scene("without a file system is the Cache API", async ({ tab }) => {
    await tab.page.evaluate(() => {
      StorageManager.prototype.getDirectory = () =>
        Promise.reject(new DOMException("blocked", "SecurityError"));
    });
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome, "bands");
    expect(outcome.warnings).toEqual([]);
    expect(await tab.page.evaluate(() => caches.has("modelpack-v1"))).toBe(true);
  });
  scene("failing at the last moment is one warning", async ({ tab }) => {
    await tab.page.evaluate(() => {
      const failing = () => Promise.reject(new DOMException("disk", "UnknownError"));
      FileSystemWritableFileStream.prototype.close = failing;
    });
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome, "bands");
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["QUOTA"]);
  });
  scene("missing is no reason to stop", async ({ tab }) => {
    await tab.page.evaluate(() => {
      for (const name of ["caches"]) Object.defineProperty(globalThis, name, { value: undefined });
      Object.defineProperty(navigator, "storage", { value: undefined });
    });
    expectWorks(await tab.attempt(LOAD), "bands");
  });
});

describe("an insecure page", () => {
  const url = ({ port }: { readonly port: number }): string => `http://insecure.test:${port}`;
  scene(
    "ends in CHUNK_INTEGRITY, because nothing can be verified",
    async ({ site, tab }) => {
      expect(await tab.attempt(LOAD)).toMatchObject({ code: "CHUNK_INTEGRITY", retryable: false });
      expect(site.chunkRequests()).toEqual([]);
    },
    { url },
  );
  scene(
    "works where that is asked for",
    async ({ tab }) => {
      expectWorks(await tab.attempt({ ...LOAD, options: { integrity: "if-available" } }), "bands");
    },
    { url },
  );
});

describe("tabs", () => {
  scene("that load at the same time fetch each chunk once", async ({ site, tab, openTab }) => {
    const other = await openTab();
    site.always(CHUNKS, answers.dribbled(2, 30));
    const outcomes = await Promise.all([tab.attempt(LOAD), other.attempt(LOAD)]);
    for (const outcome of outcomes) expectWorks(outcome, "bands");
    expect(distinct(site.chunkRequests())).toHaveLength(site.chunkRequests().length);
  });
  scene(
    "by fives all work",
    async ({ tab, openTab }) => {
      const others = [await openTab(), await openTab(), await openTab(), await openTab()];
      const outcomes = await Promise.all([tab, ...others].map((each) => each.attempt(LOAD)));
      for (const outcome of outcomes) expectWorks(outcome, "bands");
    },
    { timeoutMs: 180_000 },
  );
  scene("of which one is closed midway leave the other working", async (given) => {
    const { site, tab, openTab } = given;
    const other = await openTab();
    site.script(exactly(BANDS.at(-1) as string), answers.silent);
    void tab.attempt({ ...LOAD, options: { stallTimeoutMs: 20_000 } }).catch(() => undefined);
    await untilStored(given, BANDS.length - 1);
    const pending = other.attempt(LOAD);
    await other.page.waitForTimeout(300);
    await tab.page.close();
    expectWorks(await pending, "bands");
  });
  scene("without Web Locks all work", async ({ tab, openTab }) => {
    const tabs = [tab, await openTab()];
    for (const { page } of tabs) {
      await page.evaluate(() => Object.defineProperty(navigator, "locks", { value: undefined }));
    }
    for (const outcome of await Promise.all(tabs.map((each) => each.attempt(LOAD))))
      expectWorks(outcome, "bands");
  });
});

describe("a new build", () => {
  scene("while the page is open, with the old chunks gone, is loaded as a whole", async ({ site, tab }) => {
    site.script(exactly(BANDS[3] as string), (exchange) => {
      site.publish("redeployed"); // in the middle of the download
      answers.status(404)(exchange);
    });
    expectWorks(await tab.attempt(LOAD), "bands", "redeployed");
    expect((await tab.stored()).sound.length).toBeGreaterThanOrEqual(NEXT_BANDS.length);
  });
  scene("fetches only what changed", async ({ site, tab }) => {
    expectWorks(await tab.attempt(LOAD), "bands");
    site.publish("redeployed");
    site.log.splice(0);
    expectWorks(await tab.attempt(LOAD), "bands", "redeployed");
    expect(distinct(site.chunkRequests())).toEqual(
      distinct(NEXT_BANDS.filter((path) => !BANDS.includes(path))),
    );
    expect(site.chunkRequests().length).toBeLessThanOrEqual(2);
  });
  scene("whose chunks are not there yet ends in CHUNK_FETCH, without a loop", async ({ site, tab }) => {
    const missing = NEXT_BANDS.find((path) => !BANDS.includes(path)) as string;
    site.publish("redeployed");
    site.always(exactly(missing), answers.status(404));
    expect(await tab.attempt(LOAD)).toMatchObject({ code: "CHUNK_FETCH", status: 404 });
    expect(site.chunkRequests().filter((path) => path === missing).length).toBeLessThanOrEqual(6);
    expect(site.log.filter(({ path }) => path.endsWith("manifest.json"))).toHaveLength(2);
  });
  scene("does not disturb a model that runs", async ({ site, tab }) => {
    expectWorks(await tab.attempt(LOAD), "bands");
    site.publish("redeployed");
    expectWorks(await tab.again(LOAD.feeds), "bands");
  });
});

describe("a service worker", () => {
  const install = async ({ site, tab }: Scene, answer: string): Promise<void> => {
    const script = `addEventListener("install", () => skipWaiting());
      addEventListener("activate", (event) => event.waitUntil(clients.claim()));
      addEventListener("fetch", (event) => {
        if (new URL(event.request.url).pathname.startsWith("/models/c/")) event.respondWith(${answer});
      });`;
    site.put("/sw.js", script);
    await tab.page.evaluate(async () => {
      const controlled = new Promise((resolve) => {
        navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
      });
      await navigator.serviceWorker.register("/sw.js");
      await controlled;
    });
  };
  scene("that answers with old bytes ends in CHUNK_INTEGRITY", async (given) => {
    await install(given, 'new Response("the bytes of last year")');
    expect(await given.tab.attempt(LOAD)).toMatchObject({ code: "CHUNK_INTEGRITY" });
  });
  scene("that answers with old bytes unless asked to reload works", async (given) => {
    await install(given, 'event.request.cache === "reload" ? fetch(event.request) : new Response("old")');
    expectWorks(await given.tab.attempt(LOAD), "bands");
  });
  scene("that answers opaquely ends in CHUNK_FETCH", async (given) => {
    const { port } = given.site;
    await install(given, `fetch("http://elsewhere.test:${port}/models/c/x", { mode: "no-cors" })`);
    expect(await given.tab.attempt(LOAD)).toMatchObject({ code: "CHUNK_FETCH" });
  });
  scene("that passes everything on works", async (given) => {
    await install(given, "fetch(event.request)");
    expectWorks(await given.tab.attempt(LOAD), "bands");
  });
});

describe("without a network", () => {
  scene("and with nothing stored ends in MANIFEST_FETCH", async ({ tab, context }) => {
    await context.setOffline(true);
    expect(await tab.attempt(LOAD)).toMatchObject({ code: "MANIFEST_FETCH", retryable: true });
    await context.setOffline(false);
    expectWorks(await tab.attempt(LOAD), "bands");
  });
  scene("midway ends in CHUNK_FETCH, and goes on where it stopped", async (given) => {
    const { site, tab, context } = given;
    for (const path of BANDS.slice(-3)) site.always(exactly(path), answers.silent);
    const pending = tab.attempt({ ...LOAD, options: { stallTimeoutMs: 4000, retries: 2 } });
    await untilStored(given, BANDS.length - 3);
    await context.setOffline(true);
    expect(await pending).toMatchObject({ code: "CHUNK_FETCH", retryable: true });
    await context.setOffline(false);
    site.clearScripts();
    site.log.splice(0);
    expectWorks(await tab.attempt(LOAD), "bands");
    expect(distinct(site.chunkRequests())).toEqual(distinct(BANDS.slice(-3)));
  });
});

scene("an entry that a closed tab had begun is cleared with the others", async ({ tab }) => {
  expectWorks(await tab.attempt(LOAD), "bands");
  const left = await tab.page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("modelpack-v1");
    const { modelCache } = await harness.loader;
    const begin = async (name: string) => folder.getFileHandle(name.repeat(64), { create: true });
    await begin("a");
    const listed = (await modelCache.list()).filter(({ sizeBytes }) => sizeBytes === 0).length;
    await modelCache.gc(["/models/manifest.json#bands"]);
    const afterGc = (await harness.stored()).begun;
    const open = await (await begin("b")).createWritable(); // another tab is at work
    await modelCache.clear();
    const { begun, sound } = await harness.stored();
    await open.abort();
    return { listed, afterGc, begun: begun.length, sound };
  });
  expect(left).toEqual({ listed: 0, afterGc: [], begun: 1, sound: [] });
});
