/** One engine for several pages, over a fake onnxruntime. */
import { describe, expect, test } from "vitest";
import { createEngine, type EngineRequest } from "../src/engine.ts";
import type { ValueMetadata } from "../src/manifest.ts";
import { type Client, shareEngine } from "../src/shared.ts";
import { type FakeBehaviour, type FakeOrt, fakeOrt } from "./support/ort.ts";
import { VALUE } from "./support/packs.ts";

const START: EngineRequest = { kind: "start", device: "wasm", runtime: {} };
const CREATE: EngineRequest = {
  kind: "create",
  model: Uint8Array.of(1),
  externalData: [],
  sessionOptions: {},
  inputs: [VALUE as ValueMetadata, { name: "total", isTensor: true, type: "float32", shape: [1] }],
  state: [{ input: "total", output: "next" }],
  mustRehearse: false,
};

interface Shared {
  readonly ort: FakeOrt;
  readonly join: () => Client;
  ends: number;
}

function share(behaviour: FakeBehaviour = {}): Shared {
  const ort = fakeOrt(behaviour);
  const shared: Shared = {
    ort,
    ends: 0,
    join: shareEngine(createEngine(ort), () => {
      shared.ends += 1;
    }),
  };
  return shared;
}

async function started(shared: Shared): Promise<Client> {
  const client = shared.join();
  await client.ask(START);
  await client.ask(CREATE);
  return client;
}

function step(id: number, first: number): EngineRequest {
  const x = { type: "float32", data: Float32Array.of(first, 0), dims: [1, 2] };
  return { kind: "run", feeds: { x }, stream: { id, initial: undefined } };
}

const totals = ({ ort }: Shared): unknown[] => ort.runs.map((feeds) => feeds["total"]?.data[0]);

describe("a session that pages share", () => {
  test("is there for the second page, and created once whoever asks", async () => {
    const shared = share();
    const [first, second] = [shared.join(), shared.join()];
    expect(await first.ask({ kind: "attach" })).toEqual({});
    await Promise.all([first, second].map((page) => page.ask(START).then(() => page.ask(CREATE))));
    expect(shared.ort.created).toHaveLength(1);
    expect(Object.keys(await shared.join().ask({ kind: "attach" }))).toEqual(["live"]);
  });

  test("keeps the streams of its pages apart, and forgets those of a page that has gone", async () => {
    const shared = share();
    const first = await started(shared);
    const second = shared.join();
    await first.ask(step(1, 5));
    await second.ask(step(1, 7));
    await first.ask(step(1, 5));
    await second.ask(step(1, 7));
    expect(totals(shared)).toEqual([0, 0, 5, 7]);
    await second.ask({ kind: "forget", stream: 1 });
    await second.ask(step(1, 7));
    expect(totals(shared).at(-1)).toBe(0);
  });

  test("outlives a page that vanishes, and ends with the last that releases it", async () => {
    const shared = share();
    (await started(shared)).vanish();
    expect(shared.ends).toBe(0);
    const [first, second] = [shared.join(), shared.join()];
    await first.ask({ kind: "release" });
    first.close();
    expect(shared.ends).toBe(0);
    await second.ask(step(1, 1));
    await second.ask({ kind: "release" });
    expect(shared.ends).toBe(1);
  });

  test("ends with a page that vanishes before there is one", () => {
    const shared = share();
    shared.join().vanish();
    expect(shared.ends).toBe(1);
  });

  test("that was not created is tried again by the next page", async () => {
    let isFirst = true;
    const fail = (): Error | undefined => {
      const failure = isFirst ? new Error("no kernel") : undefined;
      isFirst = false;
      return failure;
    };
    const shared = share({ fail });
    const page = shared.join();
    await page.ask(START);
    await expect(page.ask(CREATE)).rejects.toMatchObject({ code: "SESSION_CREATE" });
    expect(await shared.join().ask({ kind: "attach" })).toEqual({});
    await started(shared);
    expect(shared.ort.created).toHaveLength(2);
  });

  test("whose last run failed lets nobody in until a run goes well again", async () => {
    const shared = share();
    const page = await started(shared);
    await expect(page.ask(step(1, -1))).rejects.toMatchObject({ code: "RUN" });
    const early = shared.join(); // it attached before the run failed, and has its weights now
    for (const request of [{ kind: "attach" }, CREATE] as const)
      await expect(early.ask(request)).rejects.toMatchObject({ code: "RUNTIME_INIT" });
    await page.ask(step(1, 1));
    expect(Object.keys(await shared.join().ask({ kind: "attach" }))).toEqual(["live"]);
  });

  test("answers the runs of a page before it lets that page go", async () => {
    let open = (): void => undefined;
    const runGate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const shared = share({ runGate });
    const page = await started(shared);
    const run = page.ask(step(1, 1));
    const released = page.ask({ kind: "release" });
    await expect.poll(() => shared.ort.runs.length).toBe(1);
    expect(shared.ends).toBe(0);
    open();
    expect(Object.keys(await run)).toEqual(["y"]);
    await released;
    expect(shared.ends).toBe(1);
  });

  test("ends when its last page closes its port after the word that it goes", async () => {
    const shared = share({ runGate: new Promise(() => undefined) });
    const page = await started(shared);
    void page.ask(step(1, 1));
    void page.ask({ kind: "release" });
    page.vanish();
    expect(shared.ends).toBe(1);
  });

  test("whose runtime did not survive the rehearsal serves nobody else", async () => {
    const shared = share({ failRuns: new WebAssembly.RuntimeError("unreachable") });
    const [page, other] = [shared.join(), shared.join()];
    await page.ask(START);
    await other.ask({ kind: "attach" });
    const rehearse = { ...CREATE, kind: "rehearse", externalData: [] } as const;
    await expect(page.ask(rehearse)).rejects.toMatchObject({ code: "RUN" });
    page.close();
    await expect(other.ask(CREATE)).rejects.toMatchObject({ code: "RUNTIME_INIT" });
  });

  test("does not mind feeds that do not fit", async () => {
    const shared = share();
    const page = await started(shared);
    const x = { type: "float32", data: Float32Array.of(1), dims: [1, 2] }; // as onnxruntime says, not the shape
    for (const feeds of [{}, { x, total: { ...x, dims: [1] } }]) {
      const bad: EngineRequest = { kind: "run", feeds };
      await expect(page.ask(bad)).rejects.toMatchObject({ code: "USAGE" });
    }
    expect(Object.keys(await shared.join().ask({ kind: "attach" }))).toEqual(["live"]);
  });
});
