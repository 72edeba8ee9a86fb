/** A session of zeros before the real one, over a fake onnxruntime. */
import { describe, expect, test } from "vitest";
import { createEngine } from "../src/engine.ts";
import type { Environment } from "../src/environment.ts";
import type { Planned, PlannedVariant } from "../src/plan.ts";
import type { ProgressMeter } from "../src/progress.ts";
import { rehearsalOf } from "../src/rehearsal.ts";
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
  behaviour = {},
}: {
  readonly secondsLeft?: number;
  readonly decodedBytes?: number;
  readonly device?: string;
  readonly behaviour?: FakeBehaviour;
} = {}): Promise<Rehearsed> {
  const [ort, other] = [fakeOrt(behaviour), fakeOrt()];
  const engine = createEngine(ort);
  await engine.ask({ kind: "start", device, runtime: {} });
  const opening = Promise.resolve({ engine, wasm: "" });
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
  const rehearsal = rehearsalOf(
    { variant } as unknown as PlannedVariant,
    planned as unknown as Planned,
    { scope: {}, options: { ort: other }, signal: undefined } as unknown as Environment,
    { secondsLeft: () => secondsLeft } as ProgressMeter,
  );
  rehearsal.onFirst(Uint8Array.of(1, 2));
  const runtime = await rehearsal.after(opening);
  return { ort, isSame: runtime.engine === engine };
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
  ])("is left out where $what", async ({ given }) => {
    const { ort, isSame } = await rehearsed(given);
    expect(isSame).toBe(true);
    expect(ort.created).toEqual([]);
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
