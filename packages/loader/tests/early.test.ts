/** The second visit: onnxruntime starts beside the manifest, as a note of the first one says. */
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { createEngine } from "../src/engine.ts";
import { type LoadOptions, load, type ModelStore, modelCache, type WorkerLike } from "../src/index.ts";
import { memoryStore } from "../src/memory.ts";
import { serve } from "../src/serve.ts";
import { type FakeBehaviour, fakeOrt } from "./support/ort.ts";
import { makePack, SMALL } from "./support/packs.ts";
import { scriptedServer } from "./support/server.ts";

interface Workers {
  readonly open: () => WorkerLike;
  opened: number;
  ended: number;
}

function workers(behaviour: FakeBehaviour = {}): Workers {
  const made: Workers = {
    opened: 0,
    ended: 0,
    open: () => {
      made.opened += 1;
      const { port1, port2 } = new MessageChannel();
      return {
        postMessage: (message, transfer) => port1.postMessage(message, transfer as never),
        addEventListener: (type, listener) => {
          if (type !== "message") return;
          port1.on("message", (data) => listener({ data }));
          serve(
            {
              postMessage: (message, transfer) => port2.postMessage(message, transfer as never),
              addEventListener: (_, answer) => void port2.on("message", (data) => answer({ data })),
            },
            createEngine(fakeOrt(behaviour)),
          );
        },
        terminate: () => {
          made.ended += 1;
          port1.close();
          port2.close();
        },
      };
    },
  };
  return made;
}

/** A store that outlives the page. */
function keptStore(): ModelStore {
  return { ...memoryStore(), kind: "kept" };
}

/** A first visit, after which there is a note. */
async function visit(address: string, options: LoadOptions & { readonly cache: ModelStore }): Promise<void> {
  await (await load(address, options)).release();
  await expect.poll(() => keyOfNote(options.cache)).not.toBe("");
}

async function keyOfNote(store: ModelStore): Promise<string> {
  const keys = (await store.list()).map(({ key }) => key);
  return keys.find((key) => key.startsWith("runtime-")) ?? "";
}

test("the note stays through gc with its model, and goes with it", async () => {
  await using server = await scriptedServer(makePack().files);
  const ref = `${server.url}/manifest.json#m`;
  const cache = keptStore();
  await visit(ref, { worker: workers().open, cache, facts: {} });
  await modelCache.gc([ref], { cache, facts: {} });
  expect(await keyOfNote(cache)).not.toBe("");
  await modelCache.evict(ref, { cache, facts: {} });
  expect(await keyOfNote(cache)).toBe("");
});

test("a second load starts its worker before the manifest has arrived", async () => {
  await using server = await scriptedServer(makePack().files);
  const made = workers();
  const options = { worker: made.open, cache: keptStore(), facts: {} };
  await visit(`${server.url}/manifest.json#m`, options);
  expect(made).toMatchObject({ opened: 1, ended: 1 });
  let arrive = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const slow: LoadOptions["fetch"] = async (url, init) => {
    if (url.includes("manifest")) await gate;
    return fetch(url, init);
  };
  const second = load(`${server.url}/manifest.json#m`, { ...options, fetch: slow });
  await expect.poll(() => made.opened).toBe(2);
  arrive();
  const model = await second;
  expect(made.opened).toBe(2);
  await model.release();
  expect(made.ended).toBe(2);
});

test("a worker that was started in vain is ended", async () => {
  await using server = await scriptedServer(makePack().files);
  const made = workers();
  const options = { worker: made.open, cache: keptStore(), facts: {} };
  await visit(`${server.url}/manifest.json#m`, options);
  const failing = load(`${server.url}/manifest.json#m`, { ...options, maxDownloadBytes: -1 });
  await expect(failing).rejects.toMatchObject({ code: "NO_VARIANT" });
  await expect.poll(() => made).toMatchObject({ opened: 2, ended: 2 });
});

test("a note that is not ours is no note", async () => {
  await using server = await scriptedServer(makePack().files);
  const made = workers();
  const cache = keptStore();
  const options = { worker: made.open, cache, facts: {} };
  await visit(`${server.url}/manifest.json#m`, options);
  for (const junk of ["", "null", "{}", '{"device":"tpu","wasm":""}', '{"device":"wasm","wasm":7}']) {
    await cache.write(await keyOfNote(cache), new TextEncoder().encode(junk));
    await (await load(`${server.url}/manifest.json#m`, options)).release();
  }
  expect(made).toMatchObject({ opened: 6, ended: 6 });
});

test("a runtime that does not start is not tried again for another variant of its device", async () => {
  const wasm = { ...SMALL, id: "other", device: "wasm" };
  await using server = await scriptedServer(makePack({ variants: [SMALL, wasm] }).files);
  const made = workers({ failStart: new Error("no wasm") });
  const failing = load(`${server.url}/manifest.json#m`, {
    worker: made.open,
    cache: memoryStore(),
    facts: {},
  });
  await expect(failing).rejects.toMatchObject({ code: "RUNTIME_INIT" });
  await expect.poll(() => made).toMatchObject({ opened: 1, ended: 1 });
});
