import { expect, test } from "vitest";
import { createEngine } from "../src/engine.ts";
import { fakeOrt } from "./support/ort.ts";

const CREATE = {
  kind: "create",
  model: new Uint8Array(10),
  externalData: [],
  sessionOptions: {},
  inputs: [],
  state: [],
  mustRehearse: false,
} as const;

test("a session that is created after the engine was closed is released", async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const ort = fakeOrt({ gate });
  const engine = createEngine(ort);
  const signal = AbortSignal.timeout(10);
  await expect(engine.ask(CREATE, { signal })).rejects.toMatchObject({ code: "ABORTED" });
  engine.close();
  open();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(ort.released).toBe(1);
});

test("a second session takes the place of the first", async () => {
  const ort = fakeOrt();
  const engine = createEngine(ort);
  await engine.ask(CREATE);
  await engine.ask(CREATE);
  expect([ort.created.length, ort.released]).toEqual([2, 1]);
});

test("a request that fails does not hold up the next", async () => {
  const engine = createEngine(fakeOrt());
  const run = { kind: "run", feeds: {} } as const;
  await expect(engine.ask(run)).rejects.toMatchObject({
    code: "USAGE",
    message: "the model has been released",
  });
  await expect(engine.ask(CREATE)).resolves.toEqual({});
});

test("an onnxruntime of the caller's is used as it is, one thread unless more are asked for", async () => {
  const ort = fakeOrt();
  await createEngine(ort).ask({
    kind: "start",
    device: "wasm",
    runtime: { wasmPaths: "https://a.test/ort/" },
  });
  expect(ort.env.wasm).toEqual({ numThreads: 1, wasmPaths: "https://a.test/ort/" });
  await createEngine(ort).ask({ kind: "start", device: "wasm", runtime: { numThreads: 4 } });
  expect(ort.env.wasm?.numThreads).toBe(4);
});
