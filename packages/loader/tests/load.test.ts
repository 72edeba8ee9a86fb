import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type LoadOptions,
  load,
  type ModelpackError,
  ortInputs,
  type Progress,
  plan,
  preload,
} from "../src/index.ts";
import { memoryStore } from "../src/memory.ts";
import { fakeOrt } from "./support/ort.ts";
import { makePack, noise, type Pack, SMALL, sha256 } from "./support/packs.ts";
import { refuses, type ScriptedServer, scriptedServer, sends } from "./support/server.ts";

const X = { x: { type: "float32", data: Float32Array.of(1, 2), dims: [1, 2] } };
const pack = makePack();
const BIG = { id: "big", chunks: [noise(4, 50), noise(2, 300), noise(5, 900)] };

let server: ScriptedServer | undefined;
const warnings: ModelpackError[] = [];
beforeEach(() => void warnings.splice(0));
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

async function serve(published: Pack = pack): Promise<ScriptedServer> {
  server = await scriptedServer(published.files);
  return server;
}

function options(changes: Partial<LoadOptions> = {}): LoadOptions {
  const onWarning = (warning: ModelpackError): void => void warnings.push(warning);
  return { ort: fakeOrt(), cache: memoryStore(), retryDelayMs: 1, facts: {}, onWarning, ...changes };
}

function ref(): string {
  return `${server?.url}/manifest.json#m`;
}

async function failure(pending: Promise<unknown>): Promise<ModelpackError> {
  return pending.then(
    () => expect.unreachable("it went well"),
    (error: ModelpackError) => error,
  );
}

describe("load", () => {
  test("gives a model that runs on the assembled files", async () => {
    await serve();
    const ort = fakeOrt();
    const model = await load(ref(), options({ ort }));

    expect(ort.created[0]?.model).toEqual(SMALL.chunks[0]);
    expect(ort.created[0]?.externalData).toEqual([
      { path: "model.data", data: new Uint8Array([...noise(2, 300), ...noise(3, 200)]) },
    ]);
    expect(ort.created[0]?.options).toEqual({ executionProviders: ["wasm"] });
    expect(model.variant).toMatchObject({
      id: "small",
      device: "wasm",
      decodedBytes: 540,
      transferBytes: 540,
    });
    expect((await model.run(X))["y"]?.data).toEqual(Float32Array.of(2, 3));
  });

  test("fetches each chunk once, and nothing the second time", async () => {
    const { log, paths } = await serve();
    const cache = memoryStore();
    await load(ref(), options({ cache }));
    expect([...paths()].sort()).toEqual(["/manifest.json", ...pack.paths].sort());

    log.splice(0);
    await load(ref(), options({ cache }));
    expect(paths()).toEqual(["/manifest.json"]);
  });

  test("does not ask for a pinned manifest that is stored", async () => {
    const { log, paths, url } = await serve();
    const pinned = { manifestUrl: `${url}/manifest.json`, model: "m", sha256: sha256(pack.manifest) };
    const cache = memoryStore();
    await load(pinned, options({ cache }));
    log.splice(0);
    await load(pinned, options({ cache }));
    expect(paths()).toEqual([]);
  });

  test("works offline once everything is stored", async () => {
    const cache = memoryStore();
    await serve();
    const reference = ref();
    await load(reference, options({ cache }));
    await server?.[Symbol.asyncDispose]();
    server = undefined;
    const model = await load(reference, options({ cache }));
    expect((await model.run(X))["y"]?.data).toEqual(Float32Array.of(2, 3));
  });

  test("fetches only what is missing after a load that broke off", async () => {
    const { log, paths, on } = await serve();
    const cache = memoryStore();
    const last = pack.paths[2] as string;
    on(last, refuses(500));
    await failure(load(ref(), options({ cache, concurrency: 1 })));
    on(last, sends(noise(3, 200)));
    log.splice(0);
    await load(ref(), options({ cache }));
    expect(paths()).toEqual(["/manifest.json", last]);
  });

  test("fetches again what is damaged in the store, and only that", async () => {
    const { log, paths } = await serve();
    const cache = memoryStore();
    await load(ref(), options({ cache }));
    const hash = sha256(noise(2, 300));
    await cache.write(hash, noise(8, 300));
    log.splice(0);
    await load(ref(), options({ cache }));
    expect(paths()).toEqual(["/manifest.json", `/c/${hash}.bin`]);
    expect(await cache.read(hash)).toEqual(noise(2, 300));
  });

  test.each([
    ["a store that is full", { write: () => Promise.reject(new DOMException("full", "QuotaExceededError")) }],
    ["a store that cannot be read", { read: () => Promise.reject(new DOMException("no", "SecurityError")) }],
    ["a store that cannot be listed", { list: () => Promise.reject(new Error("gone")) }],
    ["a store that cannot be changed", { remove: () => Promise.reject(new Error("read-only")) }],
  ])("runs with %s", async (_, broken) => {
    await serve();
    const model = await load(ref(), options({ cache: { ...memoryStore(), ...broken } }));
    expect((await model.run(X))["y"]?.data).toEqual(Float32Array.of(2, 3));
    expect(warnings.map(({ code }) => code)).toEqual("write" in broken ? ["QUOTA"] : []);
  });

  test("stores nothing that was not verified", async () => {
    const { on } = await serve();
    const cache = memoryStore();
    on(pack.paths[1] as string, sends(noise(77, 300)));
    expect(await failure(load(ref(), options({ cache })))).toMatchObject({ code: "CHUNK_INTEGRITY" });
    for (const { key } of await cache.list()) {
      if (/^[0-9a-f]{64}$/.test(key)) expect(sha256((await cache.read(key)) as Uint8Array)).toBe(key);
    }
    expect(await cache.read(sha256(noise(2, 300)))).toBeUndefined();
  });

  test("merges session options over those of the manifest", async () => {
    const variant = { ...SMALL, sessionOptions: { graphOptimizationLevel: "all", extra: { a: "1" } } };
    await serve(makePack({ variants: [variant] }));
    const ort = fakeOrt();
    await load(ref(), options({ ort, sessionOptions: { graphOptimizationLevel: "disabled" } }));
    expect(ort.created[0]?.options).toEqual({
      executionProviders: ["wasm"],
      graphOptimizationLevel: "disabled",
      extra: { a: "1" },
    });
  });

  test("decodes gzip, and shares equal chunks within a variant", async () => {
    const twice = { id: "twice", chunks: [noise(1, 40), noise(2, 300), noise(2, 300)] };
    await serve(makePack({ variants: [twice], gzip: true }));
    const ort = fakeOrt();
    await load(ref(), options({ ort }));
    expect(ort.created[0]?.externalData[0]?.data).toEqual(
      new Uint8Array([...noise(2, 300), ...noise(2, 300)]),
    );
    expect(server?.paths()).toHaveLength(3);
  });
});

describe("a choice of variants", () => {
  const two = makePack({ variants: [{ ...BIG, device: "webgpu" }, SMALL] });
  const webgpu = { features: [], limits: {} };

  test("follows the manifest's order where the device allows it", async () => {
    await serve(two);
    expect((await load(ref(), options({ facts: { webgpu } }))).variant.id).toBe("big");
    expect((await load(ref(), options({ facts: {} }))).variant.id).toBe("small");
  });

  test("stays with what is stored unless asked otherwise", async () => {
    await serve(two);
    const cache = memoryStore();
    await load(ref(), options({ cache }));
    expect((await load(ref(), options({ cache, facts: { webgpu } }))).variant.id).toBe("small");
    expect((await load(ref(), options({ cache, facts: { webgpu }, prefer: "best" }))).variant.id).toBe("big");
  });

  test("steps down when a session cannot be created, and says so", async () => {
    await serve(two);
    const ort = fakeOrt({ fail: ({ model }) => (model.length === 50 ? new Error("no kernel") : undefined) });
    const model = await load(ref(), options({ ort, facts: { webgpu } }));
    expect(model.variant.id).toBe("small");
    expect(model.steppedDown.map(({ variant, error }) => [variant.id, error.code])).toEqual([
      ["big", "SESSION_CREATE"],
    ]);
    expect(warnings.map(({ message }) => message)).toEqual(["the session was not created: no kernel"]);
  });

  test("does not step down where that is not wanted", async () => {
    await serve(two);
    const ort = fakeOrt({ fail: () => new Error("no kernel") });
    const error = await failure(load(ref(), options({ ort, facts: { webgpu }, fallback: false })));
    expect(error.code).toBe("SESSION_CREATE");
    expect(ort.created).toHaveLength(1);
  });

  test.each([
    ["no kernel", "SESSION_CREATE"],
    ["failed to allocate a buffer", "OUT_OF_MEMORY"],
    ["the node /decoder/memory/Add is refused", "SESSION_CREATE"],
    ["WebAssembly.Memory.grow(): Maximum memory size exceeded", "OUT_OF_MEMORY"],
  ])("ends in the last variant's error: %s", async (message, code) => {
    await serve(two);
    const ort = fakeOrt({ fail: () => new Error(message) });
    expect(await failure(load(ref(), options({ ort, facts: { webgpu } })))).toMatchObject({ code });
    expect(ort.created).toHaveLength(2);
  });

  test("a runtime that does not start is RUNTIME_INIT", async () => {
    await serve();
    const ort = fakeOrt({ failStart: new Error("CompileError: unsafe-eval") });
    const error = await failure(load(ref(), options({ ort })));
    expect(error.code).toBe("RUNTIME_INIT");
    expect(error.hint).toContain("wasm-unsafe-eval");
  });
});

describe("a manifest whose chunks are gone", () => {
  const renewed = makePack({
    variants: [{ id: "small", chunks: [noise(11, 44), noise(2, 300), noise(13, 250)] }],
  });

  test("is fetched once more, and the new one is loaded as a whole", async () => {
    const { on, paths } = await serve(renewed);
    on("/manifest.json", sends(pack.manifest), sends(renewed.manifest));
    const ort = fakeOrt();
    await load(ref(), options({ ort }));
    expect(ort.created.map(({ model }) => model)).toEqual([noise(11, 44)]);
    expect(paths().filter((path) => path === "/manifest.json")).toHaveLength(2);
  });

  test("is fetched once more where a page answers in place of the chunk", async () => {
    const { on } = await serve(renewed);
    on("/manifest.json", sends(pack.manifest), sends(renewed.manifest));
    on(pack.paths[0] as string, sends("<html>", "text/html"));
    const ort = fakeOrt();
    await load(ref(), options({ ort }));
    expect(ort.created.map(({ model }) => model)).toEqual([noise(11, 44)]);
  });

  test("that has not changed ends in the error, without a loop", async () => {
    const { on, paths } = await serve();
    on(pack.paths[0] as string, refuses(404));
    expect(await failure(load(ref(), options()))).toMatchObject({ code: "CHUNK_FETCH", status: 404 });
    expect(paths().filter((path) => path === "/manifest.json")).toHaveLength(2);
  });

  test("that is pinned is not fetched again", async () => {
    const { on, paths, url } = await serve(renewed);
    on("/manifest.json", sends(pack.manifest), sends(renewed.manifest));
    const pinned = { manifestUrl: `${url}/manifest.json`, model: "m", sha256: sha256(pack.manifest) };
    expect(await failure(load(pinned, options()))).toMatchObject({ code: "CHUNK_FETCH", status: 404 });
    expect(paths().filter((path) => path === "/manifest.json")).toHaveLength(1);
  });
});

describe("the manifest", () => {
  test("that is not the pinned one is refused, and nothing is fetched", async () => {
    const { paths, url } = await serve();
    const pinned = { manifestUrl: `${url}/manifest.json`, model: "m", sha256: "0".repeat(64) };
    expect(await failure(load(pinned, options()))).toMatchObject({ code: "MANIFEST_INTEGRITY" });
    expect(paths()).toEqual(["/manifest.json"]);
  });

  test.each([
    ["404", refuses(404), { code: "MANIFEST_FETCH", status: 404, retryable: false }],
    ["503", refuses(503), { code: "MANIFEST_FETCH", status: 503, retryable: true }],
    ["a web page", sends("<!doctype html>", "text/html"), { code: "MANIFEST_FETCH" }],
    ["half of it", sends(pack.manifest.subarray(0, 300)), { code: "MANIFEST_INTEGRITY" }],
    ["nothing", sends(""), { code: "MANIFEST_INTEGRITY" }],
    ["a newer one", sends('{"manifestVersion": 2}'), { code: "MANIFEST_VERSION" }],
    ["33 MiB", sends(new Uint8Array(33 * 2 ** 20)), { code: "MANIFEST_INTEGRITY" }],
  ])("answered with %s is refused", async (_, answer, expected) => {
    const { on, paths, url } = await serve();
    on("/manifest.json", answer);
    const error = await failure(load(ref(), options()));
    expect(error).toMatchObject({ ...expected, url: `${url}/manifest.json` });
    expect(paths()).toEqual(["/manifest.json"]);
  });

  test("behind a redirect is read", async () => {
    const { on } = await serve();
    on("/latest.json", (response) => void response.writeHead(302, { location: "/manifest.json" }).end());
    expect((await load(`${server?.url}/latest.json#m`, options())).model).toBe("m");
  });

  test("that never comes is MANIFEST_FETCH", async () => {
    const { on } = await serve();
    on("/manifest.json", () => undefined);
    const error = await failure(load(ref(), options({ stallTimeoutMs: 40 })));
    expect(error).toMatchObject({ code: "MANIFEST_FETCH", retryable: true });
  });

  test("without the model names those it has", async () => {
    await serve();
    const error = await failure(load(ref().replace("#m", "#n"), options()));
    expect(error.message).toContain('has no model "n"; it has m');
  });
});

describe("integrity", () => {
  test("is required unless said otherwise", async () => {
    await serve();
    const before = Object.getOwnPropertyDescriptor(globalThis, "crypto") as PropertyDescriptor;
    Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
    try {
      const error = await failure(load(ref(), options()));
      expect(error).toMatchObject({ code: "CHUNK_INTEGRITY" });
      expect(error.hint).toContain("https");
      const cache = memoryStore();
      const model = await load(ref(), options({ integrity: "if-available", cache }));
      expect((await model.run(X))["y"]?.data).toEqual(Float32Array.of(2, 3));
      expect(await cache.list()).toEqual([]);
    } finally {
      Object.defineProperty(globalThis, "crypto", before);
    }
  });
});

describe("progress", () => {
  test("goes from 0 to 1, never back, and ends with what was transferred", async () => {
    await serve();
    const seen: Progress[] = [];
    await load(ref(), options({ onProgress: (progress) => seen.push(progress) }));
    const fractions = seen.map(({ fraction }) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions[0]).toBe(0);
    expect(seen.at(-1)).toMatchObject({
      fraction: 1,
      phase: "done",
      transferredBytes: 540,
      totalTransferBytes: 540,
      cachedBytes: 0,
    });
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(["manifest", "download", "session", "done"]);
  });

  test("tells of stored chunks as stored", async () => {
    await serve();
    const cache = memoryStore();
    await preload(ref(), options({ cache }));
    const seen: Progress[] = [];
    await load(ref(), options({ cache, onProgress: (progress) => seen.push(progress) }));
    expect(seen.at(-1)).toMatchObject({
      fraction: 1,
      transferredBytes: 0,
      totalTransferBytes: 0,
      cachedBytes: 540,
      secondsLeft: 0,
    });
  });
});

describe("plan", () => {
  test("says what a load would transfer, and transfers nothing", async () => {
    const { paths } = await serve(
      makePack({ variants: [{ ...BIG, id: "gpu", device: "webgpu" }, BIG, SMALL] }),
    );
    const planned = await plan(ref(), options({ facts: { storageBytes: 1000 } }));
    expect(planned).toMatchObject({
      model: "m",
      variant: { id: "big", device: "wasm" },
      why: "the first of the manifest that this device can run",
      transferBytes: 1250,
      cachedBytes: 0,
      requests: 3,
      fitsStorage: false,
    });
    expect(planned.alternatives.map(({ id }) => id)).toEqual(["small"]);
    expect(planned.rejected.map(({ variant, why }) => [variant.device, why])).toEqual([
      ["webgpu", "no WebGPU here"],
    ]);
    expect(paths()).toEqual(["/manifest.json"]);
  });

  test("counts chunks that another variant left behind", async () => {
    await serve(makePack({ variants: [BIG, SMALL] }));
    const cache = memoryStore();
    await preload(ref(), options({ cache, variant: "small" }));
    expect(await plan(ref(), options({ cache, prefer: "best" }))).toMatchObject({
      transferBytes: 950,
      cachedBytes: 300,
      requests: 2,
    });
  });

  test("passes over what is larger than allowed", async () => {
    await serve(makePack({ variants: [BIG, SMALL] }));
    expect((await plan(ref(), options({ maxDownloadBytes: 600 }))).variant.id).toBe("small");
    expect(await failure(plan(ref(), options({ maxDownloadBytes: 10 })))).toMatchObject({
      code: "NO_VARIANT",
    });
  });
});

describe("preload and ortInputs", () => {
  test("preload stores what load needs", async () => {
    const { log, paths } = await serve();
    const cache = memoryStore();
    expect(await preload(ref(), options({ cache }))).toMatchObject({ transferBytes: 540 });
    log.splice(0);
    await load(ref(), options({ cache }));
    expect(paths()).toEqual(["/manifest.json"]);
  });

  test("ortInputs gives what a session is created from", async () => {
    await serve();
    const inputs = await ortInputs(ref(), options({ sessionOptions: { logId: "a" } }));
    expect(inputs).toMatchObject({
      device: "wasm",
      variant: { id: "small" },
      sessionOptions: { executionProviders: ["wasm"], logId: "a" },
    });
    expect(inputs.model).toEqual(SMALL.chunks[0]);
    expect(inputs.externalData.map(({ path, data }) => [path, data.length])).toEqual([["model.data", 500]]);
  });
});
