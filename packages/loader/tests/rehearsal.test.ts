/** A session of zeros before the real one, over a fake onnxruntime. */
import { describe, expect, test } from "vitest";
import { abortable } from "../src/abort.ts";
import { createEngine, type Engine } from "../src/engine.ts";
import type { Environment } from "../src/environment.ts";
import type { ModelpackError } from "../src/errors.ts";
import type { Planned, PlannedVariant } from "../src/plan.ts";
import type { ProgressMeter } from "../src/progress.ts";
import { type Rehearsal, rehearsalOf } from "../src/rehearsal.ts";
import { type FakeBehaviour, type FakeOrt, fakeOrt } from "./support/ort.ts";
import { VALUE } from "./support/packs.ts";

interface Rehearsed {
  readonly ort: FakeOrt;
  /** Whether the runtime that was given is the one that came back. */
  readonly isSame: boolean;
}

async function rehearsed({
  secondsLeft = 5,
  decodedBytes = 20,
  device = "wasm",
  isRemote = true,
  behaviour = {},
}: {
  readonly secondsLeft?: number;
  readonly decodedBytes?: number;
  readonly device?: string;
  readonly isRemote?: boolean;
  readonly behaviour?: FakeBehaviour;
} = {}): Promise<Rehearsed> {
  const [ort, other] = [fakeOrt(behaviour), fakeOrt()];
  const engine = { ...createEngine(ort), isRemote };
  await engine.ask({ kind: "start", device, runtime: {} });
  const opening = Promise.resolve({ engine, wasm: "" });
  const rehearsal = rehearsalFor({ device, decodedBytes, secondsLeft, ort: other });
  rehearsal.onFirst(Uint8Array.of(1, 2));
  const runtime = await rehearsal.after(opening);
  return { ort, isSame: runtime.engine === engine };
}

/** The rehearsal of a small model, which starts another runtime with `ort`. */
function rehearsalFor({
  device,
  decodedBytes,
  secondsLeft,
  ort,
  signal,
}: {
  readonly device: string;
  readonly decodedBytes: number;
  readonly secondsLeft: number;
  readonly ort: FakeOrt;
  readonly signal?: AbortSignal;
}): Rehearsal {
  const variant = {
    device,
    size: { decoded: decodedBytes },
    externalData: [{ path: "weights", file: "m/weights" }],
    executionProviders: ["wasm"],
  };
  const planned = {
    model: { inputs: [VALUE], outputs: [] },
    manifest: { files: new Map([["m/weights", { size: 9 }]]) },
  };
  return rehearsalOf(
    { variant } as unknown as PlannedVariant,
    planned as unknown as Planned,
    { scope: {}, options: { ort }, signal } as unknown as Environment,
    { secondsLeft: () => secondsLeft } as ProgressMeter,
  );
}

interface Aborted {
  /** What became of the load. */
  readonly code: unknown;
  readonly closed: number;
  /** Sessions that start a runtime. */
  readonly startedAnew: number;
}

/** A load that is aborted once its runtime has started: before the graph is there, or in the middle of the rehearsal. */
async function abortedRehearsal({ hasGraph }: { readonly hasGraph: boolean }): Promise<Aborted> {
  const controller = new AbortController();
  const other = fakeOrt();
  const { signal } = controller;
  const rehearsal = rehearsalFor({ device: "wasm", decodedBytes: 20, secondsLeft: 5, ort: other, signal });
  let closed = 0;
  let isAsked = false;
  const engine: Engine = {
    isRemote: true,
    ask: (_, options) => {
      isAsked = true;
      return abortable(new Promise(() => undefined), options?.signal);
    },
    close: () => {
      closed += 1;
    },
  };
  const ended = rehearsal.after(Promise.resolve({ engine, wasm: "" })).catch((error: unknown) => error);
  if (hasGraph) {
    rehearsal.onFirst(Uint8Array.of(1, 2));
    await expect.poll(() => isAsked).toBe(true);
  }
  controller.abort();
  return { code: ((await ended) as ModelpackError).code, closed, startedAnew: other.released };
}

describe("a rehearsal", () => {
  test("creates a session of zeros, runs it on zeros, and releases it", async () => {
    const { ort, isSame } = await rehearsed();
    expect(isSame).toBe(true);
    expect(ort.created).toHaveLength(1);
    expect(ort.created[0]?.externalData).toEqual([{ path: "weights", data: new Uint8Array(9) }]);
    expect(ort.created[0]?.model).toEqual(Uint8Array.of(1, 2));
    expect(ort.runs.map(({ x }) => x?.dims)).toEqual([[1, 2]]);
    expect(ort.released).toBe(2); // with the one that started the runtime
  });

  test.each([
    { what: "the rest is there within a second", given: { secondsLeft: 0.9 } },
    { what: "zeros would take too much memory", given: { decodedBytes: 2e8 } },
    { what: "the device is another", given: { device: "webgpu" } },
    { what: "the page itself would stand still", given: { isRemote: false } },
  ])("is left out where $what", async ({ given }) => {
    const { ort, isSame } = await rehearsed(given);
    expect(isSame).toBe(true);
    expect(ort.created).toEqual([]);
  });

  test.each([
    { when: "before its graph is there", hasGraph: false },
    { when: "in its middle", hasGraph: true },
  ])("that is aborted $when ends its runtime, and starts no other", async ({ hasGraph }) => {
    expect(await abortedRehearsal({ hasGraph })).toEqual({ code: "ABORTED", closed: 1, startedAnew: 0 });
  });

  test("that the model refuses changes nothing", async () => {
    const { isSame, ort } = await rehearsed({ behaviour: { fail: () => new Error("zero is no shape") } });
    expect(isSame).toBe(true);
    expect(ort.released).toBe(1);
  });

  test("that the runtime may not have survived is followed by another runtime", async () => {
    const trap = new WebAssembly.RuntimeError("divide by zero");
    expect((await rehearsed({ behaviour: { failRuns: trap } })).isSame).toBe(false);
    const memory = new Error("out of memory");
    expect((await rehearsed({ behaviour: { fail: () => memory } })).isSame).toBe(false);
  });
});
