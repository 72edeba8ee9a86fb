/** A load is aborted at each of its awaits in turn: it rejects at once, and writes nothing afterwards. */
import { describe, expect, test } from "vitest";
import { abortable, sleep } from "../src/abort.ts";
import {
  type FetchLike,
  type LoadOptions,
  load,
  type ModelpackError,
  type ModelStore,
  modelCache,
  ortInputs,
  plan,
  preload,
} from "../src/index.ts";
import { memoryStore } from "../src/memory.ts";
import { fakeOrt } from "./support/ort.ts";
import { makePack, sha256 } from "./support/packs.ts";
import { scriptedServer } from "./support/server.ts";

const PATIENCE_MS = 10_000; // far below any timeout of the loader; a busy machine takes its time
const pack = makePack({ gzip: true });

/** Counts awaits as they begin, and aborts at the wanted one. */
interface Tripwire {
  readonly signal: AbortSignal;
  readonly count: () => number;
  readonly writesAfter: () => readonly string[];
  readonly options: LoadOptions;
}

function tripwire(wanted: number, moment: "before" | "after"): Tripwire {
  const controller = new AbortController();
  let count = 0;
  const late: string[] = [];
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    const isWanted = count === wanted;
    count += 1;
    if (isWanted && moment === "before") controller.abort();
    const result = await work();
    if (isWanted && moment === "after") controller.abort();
    return result;
  };
  const memory = memoryStore();
  const cache: ModelStore = {
    kind: "shared",
    read: (key) => step(() => memory.read(key)),
    list: () => step(() => memory.list()),
    remove: (key) => step(() => memory.remove(key)),
    write: (key, bytes) => {
      if (controller.signal.aborted) late.push(key);
      return step(() => memory.write(key, bytes));
    },
  };
  const ort = fakeOrt();
  const { create } = ort.InferenceSession;
  ort.InferenceSession.create = (model, options) => step(() => create(model, options));
  const spiedFetch: FetchLike = async (url, init) => {
    const response = await step(() => fetch(url, init));
    const reader = response.body?.getReader();
    const body = new ReadableStream({
      pull: async (stream) => {
        const { done, value } = await step(
          async () => reader?.read() ?? { done: true as const, value: undefined },
        );
        if (done) stream.close();
        else stream.enqueue(value);
      },
    });
    return new Response(body, { status: response.status });
  };
  return {
    signal: controller.signal,
    count: () => count,
    writesAfter: () => late,
    options: { signal: controller.signal, cache, ort, fetch: spiedFetch, facts: {}, retryDelayMs: 1 },
  };
}

type Work = (ref: string, options: LoadOptions) => Promise<unknown>;
const calls: readonly (readonly [string, Work])[] = [
  ["load", load],
  ["preload", preload],
  ["plan", plan],
  ["ortInputs", ortInputs],
  ["modelCache.isCached", (ref, options) => modelCache.isCached(ref, options as never)],
];

describe.each(calls)("%s", (_, work) => {
  test.each(["before", "after"] as const)("is aborted %s each await", async (moment) => {
    await using server = await scriptedServer(pack.files);
    const ref = `${server.url}/manifest.json#m`;
    const whole = tripwire(-1, moment);
    await work(ref, whole.options);
    expect(whole.count()).toBeGreaterThan(4);
    for (let wanted = 0; wanted < whole.count(); wanted += 1) {
      const { options, signal, writesAfter } = tripwire(wanted, moment);
      let abortedMs = 0;
      signal.addEventListener("abort", () => {
        abortedMs = performance.now();
      });
      const error = await work(ref, options).then(
        () => undefined,
        (reason: ModelpackError) => reason,
      );
      const tookMs = performance.now() - abortedMs;
      await new Promise((resolve) => setTimeout(resolve, 5));
      // The last awaits may be over when the signal comes: then there is a result, and that is as good.
      if (error) expect(error).toMatchObject({ code: "ABORTED", name: "AbortError" });
      else expect(wanted).toBeGreaterThan(whole.count() - 4);
      if (error && abortedMs) expect(tookMs).toBeLessThan(PATIENCE_MS);
      expect(writesAfter()).toEqual([]);
    }
  });

  test("is refused a signal that is aborted already, and asks for nothing", async () => {
    await using server = await scriptedServer(pack.files);
    const { options } = tripwire(-1, "before");
    const pending = work(`${server.url}/manifest.json#m`, {
      ...options,
      signal: AbortSignal.abort("enough"),
    });
    await expect(pending).rejects.toMatchObject({ code: "ABORTED", cause: "enough" });
    expect(server.paths()).toEqual([]);
  });
});

test("verified chunks of an aborted load are kept", async () => {
  await using server = await scriptedServer(pack.files);
  const controller = new AbortController();
  const cache = memoryStore();
  const stopAfterTwo: ModelStore = {
    ...cache,
    write: async (key, bytes) => {
      await cache.write(key, bytes);
      if ((await cache.list()).length === 3) controller.abort(); // the manifest and two chunks
    },
  };
  const options = { ort: fakeOrt(), facts: {}, concurrency: 1 };
  const ref = `${server.url}/manifest.json#m`;
  await expect(
    load(ref, { ...options, cache: stopAfterTwo, signal: controller.signal }),
  ).rejects.toMatchObject({ code: "ABORTED" });
  server.log.splice(0);
  await load(ref, { ...options, cache });
  expect(server.paths()).toHaveLength(2); // the manifest and the third
  for (const [hash, bytes] of pack.chunks) expect(sha256((await cache.read(hash)) ?? bytes)).toBe(hash);
});

describe("abortable", () => {
  test("passes on what is awaited", async () => {
    expect(await abortable(Promise.resolve(1), undefined)).toBe(1);
    expect(await abortable(Promise.resolve(1), new AbortController().signal)).toBe(1);
    await expect(abortable(Promise.reject(new Error("x")), undefined)).rejects.toThrow("x");
  });

  test("leaves no listener behind", async () => {
    const { signal } = new AbortController();
    const added: string[] = [];
    const spied = Object.assign(Object.create(signal) as AbortSignal, {
      addEventListener: () => void added.push("+"),
      removeEventListener: () => void added.push("-"),
    });
    Object.defineProperty(spied, "aborted", { value: false });
    await abortable(Promise.resolve(1), spied);
    expect(added).toEqual(["+", "-"]);
  });
});

test("sleep ends with the signal", async () => {
  const begun = performance.now();
  await expect(sleep(60_000, AbortSignal.timeout(10))).rejects.toMatchObject({ code: "ABORTED" });
  expect(performance.now() - begun).toBeLessThan(30_000);
});
