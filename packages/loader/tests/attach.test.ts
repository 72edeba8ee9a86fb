/** A load in the worker of the site, over fakes of both kinds of worker, each with an engine of this thread. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createEngine } from "../src/engine.ts";
import { type LoadOptions, load, type ModelpackError, preload } from "../src/index.ts";
import { memoryStore } from "../src/memory.ts";
import { serve, type WorkerScope } from "../src/serve.ts";
import { type Client, shareEngine } from "../src/shared.ts";
import { type FakeBehaviour, type FakeOrt, fakeOrt } from "./support/ort.ts";
import { makePack, type PackShape, SMALL, VALUE } from "./support/packs.ts";
import { scriptedServer } from "./support/server.ts";

const X = { x: { type: "float32", data: Float32Array.of(1, 2), dims: [1, 2] } };

interface Site {
  readonly ort: FakeOrt;
  /** By their names. */
  readonly shared: Map<string, () => Client>;
  ended: number;
  /** Workers of one page. */
  own: number;
}

let site: Site;
let behaviour: FakeBehaviour;
const warnings: ModelpackError[] = [];

/** What a page has of a worker. The other end is served by what `join` gives. */
function port(join: () => Client): MessagePort {
  const { port1, port2 } = new MessageChannel();
  const client = join();
  port2.addEventListener("close", client.vanish);
  serve(port2 as unknown as WorkerScope, client);
  port2.start();
  return port1;
}

beforeEach(() => {
  behaviour = {};
  warnings.splice(0);
  const made: Site = { ort: fakeOrt(), shared: new Map(), ended: 0, own: 0 };
  site = made;
  const end = (): void => {
    made.ended += 1;
  };
  vi.stubGlobal("location", { href: "http://localhost/" });
  vi.stubGlobal(
    "SharedWorker",
    class {
      readonly port: MessagePort;
      constructor(_: URL, { name }: { readonly name: string }) {
        const join = made.shared.get(name) ?? shareEngine(createEngine(fakeOrt(behaviour)), end);
        made.shared.set(name, join);
        this.port = port(join);
      }
      addEventListener(): void {
        // its script loads
      }
    },
  );
  vi.stubGlobal(
    "Worker",
    class {
      readonly #port: MessagePort;
      constructor() {
        made.own += 1;
        this.#port = port(shareEngine(createEngine(made.ort), end));
        this.#port.start();
      }
      postMessage(message: unknown, transfer: Transferable[]): void {
        this.#port.postMessage(message, transfer);
      }
      addEventListener(type: string, listener: EventListener): void {
        if (type === "message") this.#port.addEventListener(type, listener);
      }
      terminate(): void {
        this.#port.close();
      }
    },
  );
});

afterEach(() => vi.unstubAllGlobals());

/** The number of workers that the site has after a page has loaded each of these in turn, which answers. */
async function namesAfter(
  ...loads: readonly { readonly shape?: PackShape; readonly options?: LoadOptions }[]
): Promise<number> {
  for (const { shape, options } of loads) await visit(shape, options);
  return site.shared.size;
}

async function visit(shape: PackShape = {}, options: LoadOptions = {}): Promise<void> {
  await using server = await scriptedServer(makePack(shape).files);
  const [ref, stored] = [`${server.url}/manifest.json#m`, { cache: memoryStore(), facts: {} }];
  await preload(ref, stored); // on a slow machine, a first visit would rehearse, and fail there
  const model = await load(ref, {
    ...stored,
    worker: "shared",
    onWarning: (warning) => void warnings.push(warning),
    ...options,
  });
  expect((await model.run(X))["y"]?.data).toEqual(Float32Array.of(2, 3));
  await model.release();
}

test("pages that ask for the same have one worker, which ends with the last of them", async () => {
  expect(await namesAfter({}, { options: { concurrency: 2 } })).toBe(1);
  await expect.poll(() => site.ended).toBe(2);
  expect(site.own).toBe(0);
  expect(warnings).toEqual([]);
});

test.each([
  [
    "of another manifest",
    { shape: { variants: [{ ...SMALL, sessionOptions: { enableMemPattern: false } }] } },
  ],
  ["of the caller", { options: { sessionOptions: { enableMemPattern: false } } }],
])("sessions with other options, %s, have a worker of their own", async (_, other) => {
  expect(await namesAfter({}, other)).toBe(2);
});

test("the same files with another description have a worker of their own", async () => {
  const inputs = [{ ...VALUE, shape: ["batch", "width"] }];
  expect(await namesAfter({}, { shape: { inputs } })).toBe(2);
});

test("a session that the shared worker cannot create is created in one of the page, and it says so", async () => {
  behaviour = { fail: () => new Error("out of memory") };
  await visit();
  expect(site.own).toBe(1);
  expect(warnings.map(({ code }) => code)).toEqual(["OUT_OF_MEMORY"]);
  await expect.poll(() => site.ended).toBeGreaterThan(0); // of the shared one nothing stays
});
