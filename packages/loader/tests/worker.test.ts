/** The messages between page and worker, over a MessageChannel with an engine at the other end. */
import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { createEngine } from "../src/engine.ts";
import { type LoadedModel, load, type ModelpackError, preload, type WorkerLike } from "../src/index.ts";
import { memoryStore } from "../src/memory.ts";
import { serve, type WorkerScope } from "../src/serve.ts";
import { type FakeBehaviour, type FakeOrt, fakeOrt } from "./support/ort.ts";
import { makePack, SMALL, VALUE } from "./support/packs.ts";
import { scriptedServer } from "./support/server.ts";

const X = { x: { type: "float32", data: Float32Array.of(1, 2), dims: [1, 2] } };
const STATE = {
  state: [{ input: "total", output: "next" }],
  inputs: [VALUE, { name: "total", isTensor: true, type: "float32", shape: [1] }],
  outputs: [
    { ...VALUE, name: "y" },
    { name: "next", isTensor: true, type: "float32", shape: [1] },
  ],
};

interface FakeWorker extends WorkerLike {
  readonly ort: FakeOrt;
  readonly fire: (type: "error" | "messageerror", message?: string) => void;
  /** Whether the page listens. */
  readonly isHeard: () => boolean;
  /** Messages that the worker has had. */
  received: number;
  ended: boolean;
}

/** A worker of this thread: messages are cloned and moved as between threads. */
function worker(
  behaviour: FakeBehaviour = {},
  { boots = true }: { readonly boots?: boolean } = {},
): FakeWorker {
  const { port1, port2 } = new MessageChannel();
  const ort = fakeOrt(behaviour);
  const listeners: [string, (event: { data?: unknown; message?: string }) => void][] = [];
  const scope: WorkerScope = {
    postMessage: (message, transfer) => port2.postMessage(message, transfer as never),
    addEventListener: (_, listener) =>
      void port2.on("message", (data) => {
        made.received += 1;
        listener({ data });
      }),
  };
  const made: FakeWorker = {
    ort,
    received: 0,
    isHeard: () => listeners.length > 0,
    ended: false,
    postMessage: (message, transfer) => port1.postMessage(message, transfer as never),
    addEventListener: (type, listener) => {
      listeners.push([type, listener]);
      if (type === "message") port1.on("message", (data) => listener({ data }));
      if (type === "message" && boots) serve(scope, createEngine(ort));
    },
    terminate: () => {
      made.ended = true;
      port1.close();
      port2.close();
    },
    fire: (type, message) => {
      for (const [listened, listener] of listeners)
        if (listened === type) listener(message ? { message } : {});
    },
  };
  return made;
}

async function withModel(
  made: FakeWorker,
  work: (model: LoadedModel) => Promise<void>,
  shape: object = {},
): Promise<void> {
  await using server = await scriptedServer(makePack(shape).files);
  const [ref, stored] = [`${server.url}/manifest.json#m`, { cache: memoryStore(), facts: {} }];
  await preload(ref, stored); // on a slow machine, a first visit would rehearse, and the runs are counted
  const model = await load(ref, { worker: () => made, ...stored });
  try {
    await work(model);
  } finally {
    await model.release();
  }
}

async function failure(pending: Promise<unknown>): Promise<ModelpackError> {
  return pending.then(
    () => expect.unreachable("it went well"),
    (error: ModelpackError) => error,
  );
}

describe("a model in a worker", () => {
  test("runs, and ends its worker when released", async () => {
    const made = worker();
    await withModel(made, async (model) => {
      expect((await model.run(X))["y"]).toEqual({
        type: "float32",
        data: Float32Array.of(2, 3),
        dims: [1, 2],
      });
      expect(X.x.data).toHaveLength(2);
    });
    expect(made.ended).toBe(true);
    expect(made.ort.released).toBe(2); // the session that started the runtime, and the model's
  });

  test("takes the inputs' memory where asked to", async () => {
    await withModel(worker(), async (model) => {
      const data = Float32Array.of(1, 2);
      expect(
        (await model.run({ x: { type: "float32", data, dims: [1, 2] } }, { transfer: true }))["y"]?.data,
      ).toEqual(Float32Array.of(2, 3));
      expect(data).toHaveLength(0);
    });
  });

  test("takes memory that two inputs share", async () => {
    const other = { ...VALUE, name: "z" };
    await withModel(
      worker(),
      async (model) => {
        const x = { type: "float32", data: Float32Array.of(1, 2), dims: [1, 2] };
        const { y } = await model.run({ x, z: x }, { transfer: true });
        expect(y?.data).toEqual(Float32Array.of(2, 3));
      },
      { inputs: [VALUE, other] },
    );
  });

  test.each([
    ["what cannot be sent", { x: { ...X.x, data: () => 1 } }],
    ["a tensor without dimensions", { x: { type: "float32", data: X.x.data } }],
    ["fewer numbers than dimensions say", { x: { ...X.x, data: Float32Array.of(1) } }],
  ])("refuses %s by its own error, and goes on", async (_, feeds) => {
    await withModel(worker(), async (model) => {
      expect(await failure(model.run(feeds as never))).toMatchObject({ code: "USAGE" });
      expect((await model.run(X))["y"]?.data).toEqual(Float32Array.of(2, 3));
    });
  });

  test("answers calls in their order", async () => {
    const made = worker();
    await withModel(made, async (model) => {
      const calls = [5, 6, 7].map((first) =>
        model.run({ x: { type: "float32", data: Float32Array.of(first, 0), dims: [1, 2] } }),
      );
      const answers = await Promise.all(calls);
      expect(answers.map((outputs) => outputs["y"]?.data[0])).toEqual([6, 7, 8]);
      expect(made.ort.runs.map((feeds) => feeds["x"]?.data[0])).toEqual([5, 6, 7]);
    });
  });

  test("says what went wrong in a run, and goes on", async () => {
    await withModel(worker(), async (model) => {
      const bad = { x: { type: "float32", data: Float32Array.of(-1, 0), dims: [1, 2] } };
      expect(await failure(model.run(bad))).toMatchObject({
        code: "RUN",
        message: "the model did not run: negative",
      });
      expect((await model.run(X))["y"]?.data).toEqual(Float32Array.of(2, 3));
    });
  });

  test("drops a call that is aborted before its turn", async () => {
    let open = (): void => undefined;
    const runGate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const made = worker({ runGate });
    await withModel(made, async (model) => {
      const before = made.received;
      const first = model.run(X);
      const controller = new AbortController();
      const second = failure(model.run(X, { signal: controller.signal }));
      await expect.poll(() => made.received).toBe(before + 2);
      controller.abort();
      expect(await second).toMatchObject({ code: "ABORTED", name: "AbortError" });
      await expect.poll(() => made.received).toBe(before + 3);
      open();
      await first;
      expect(made.ort.runs).toHaveLength(1);
    });
  });

  test("refuses calls after its release", async () => {
    let kept: LoadedModel | undefined;
    await withModel(worker(), async (model) => {
      kept = model;
    });
    expect(await failure(kept?.run(X) as Promise<unknown>)).toMatchObject({ code: "USAGE" });
    await kept?.release();
  });

  test("fails all calls when the worker breaks", async () => {
    const made = worker({ runGate: new Promise(() => undefined) });
    await withModel(made, async (model) => {
      const call = failure(model.run(X));
      made.fire("error", "out of memory");
      expect(await call).toMatchObject({
        code: "RUNTIME_INIT",
        message: expect.stringContaining("out of memory"),
      });
      expect(await failure(model.run(X))).toMatchObject({ code: "RUNTIME_INIT" });
    });
  });
});

describe("a stream in a worker", () => {
  test("keeps its state there", async () => {
    const made = worker();
    await withModel(
      made,
      async (model) => {
        const stream = model.stream();
        const other = model.stream({ total: { type: "float32", data: Float32Array.of(100), dims: [1] } });
        expect(Object.keys(await stream.run(X))).toEqual(["y"]);
        await stream.run(X);
        await other.run(X);
        await stream.run(X);
        expect(made.ort.runs.map((feeds) => feeds["total"]?.data[0])).toEqual([0, 1, 100, 2]);
        stream.reset();
        await stream.run(X);
        expect(made.ort.runs.at(-1)?.["total"]?.data[0]).toBe(0);
      },
      STATE,
    );
  });

  test("is refused to a model without state, and to open sizes without an initial state", async () => {
    await withModel(worker(), async (model) => expect(() => model.stream()).toThrow("carries no state"));
    const inputs = [VALUE, { name: "total", isTensor: true, type: "float32", shape: ["batch"] }];
    await withModel(
      worker(),
      async (model) => {
        expect((await failure(model.stream().run(X))).message).toContain("give stream() an initialState");
        const stream = model.stream({ total: { type: "float32", data: Float32Array.of(3), dims: [1] } });
        expect(Object.keys(await stream.run(X))).toEqual(["y"]);
      },
      { ...STATE, inputs },
    );
  });
});

describe("a worker that does not come up", () => {
  test("is RUNTIME_INIT with a hint at the policy", async () => {
    await using server = await scriptedServer(makePack().files);
    const made = worker({}, { boots: false });
    const pending = failure(load(`${server.url}/manifest.json#m`, { worker: () => made, facts: {} }));
    await expect.poll(made.isHeard).toBe(true);
    made.fire("error");
    const error = await pending;
    expect(error).toMatchObject({ code: "RUNTIME_INIT" });
    expect(error.hint).toContain("worker-src");
    expect(made.ended).toBe(true);
  });

  test("ends with the load when that is aborted", async () => {
    await using server = await scriptedServer(makePack().files);
    const made = worker({}, { boots: false });
    const controller = new AbortController();
    const { signal } = controller;
    const pending = failure(load(`${server.url}/manifest.json#m`, { worker: () => made, facts: {}, signal }));
    await expect.poll(made.isHeard).toBe(true);
    controller.abort();
    expect(await pending).toMatchObject({ code: "ABORTED", name: "AbortError" });
    await expect.poll(() => made.ended).toBe(true);
  });

  test("ends when the creation of a session is aborted", async () => {
    await using server = await scriptedServer(makePack().files);
    const made = worker({ gate: new Promise(() => undefined) });
    const controller = new AbortController();
    const pending = failure(
      load(`${server.url}/manifest.json#m`, { worker: () => made, facts: {}, signal: controller.signal }),
    );
    while (!made.ort.created.length) await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort();
    expect(await pending).toMatchObject({ code: "ABORTED" });
    expect(made.ended).toBe(true);
  });
});

describe("a session for WebGPU is run once before it is ready", () => {
  const gpu = (shape: object = {}) =>
    makePack({
      variants: [
        { ...SMALL, device: "webgpu" },
        { ...SMALL, id: "plain" },
      ],
      ...shape,
    });
  const facts = { webgpu: { features: [], limits: {} } };

  test("and passed over where that is refused", async () => {
    await using server = await scriptedServer(gpu().files);
    const workers: FakeWorker[] = [];
    const make = (): FakeWorker => {
      workers.push(worker(workers.length ? {} : { failRuns: new Error("f16 is not supported") }));
      return workers.at(-1) as FakeWorker;
    };
    const model = await load(`${server.url}/manifest.json#m`, {
      worker: make,
      cache: memoryStore(),
      facts,
      onWarning: () => undefined,
    });
    expect(model.variant.id).toBe("plain");
    expect(model.steppedDown[0]?.error).toMatchObject({ code: "SESSION_CREATE" });
    expect(workers.map(({ ended }) => ended)).toEqual([true, false]);
    expect(workers[0]?.ort.runs[0]?.["x"]).toMatchObject({ data: new Float32Array(2), dims: [1, 2] });
    await model.release();
  });

  test("but not where its sizes are open", async () => {
    const inputs = [{ ...VALUE, shape: ["batch", "sequence"] }];
    await using server = await scriptedServer(gpu({ inputs }).files);
    const made = worker();
    await (
      await load(`${server.url}/manifest.json#m`, { worker: () => made, cache: memoryStore(), facts })
    ).release();
    expect(made.ort.runs).toEqual([]);
  });
});

describe("run({ cached: true })", () => {
  test("answers equal inputs without running, with copies", async () => {
    const made = worker();
    await withModel(made, async (model) => {
      const first = await model.run(X, { cached: true });
      (first["y"] as { data: Float32Array }).data.fill(0);
      expect((await model.run(X, { cached: true }))["y"]?.data).toEqual(Float32Array.of(2, 3));
      expect(made.ort.runs).toHaveLength(1);
      await model.run({ x: { ...X.x, dims: [1, 2], data: Float32Array.of(1, 3) } }, { cached: true });
      expect(made.ort.runs).toHaveLength(2);
    });
  });
});

describe("inputs are checked before they are sent", () => {
  test.each([
    [{}, 'the input "x" is missing'],
    [{ ...X, z: X.x }, '"z" is no input; inputs are x'],
    [{ x: { ...X.x, type: "int32" } }, '"x" is int32 [1,2]; expected float32 [batch,2]'],
    [{ x: { ...X.x, dims: [2] } }, '"x" is float32 [2]; expected float32 [batch,2]'],
    [{ x: { ...X.x, dims: [1, 3] } }, '"x" is float32 [1,3]; expected float32 [batch,2]'],
  ])("%j", async (feeds, message) => {
    await withModel(worker(), async (model) => {
      expect(await failure(model.run(feeds as never))).toMatchObject({ code: "USAGE", message });
    });
  });
});
