import { describe, expect, test } from "vitest";
import type { Variant } from "../src/manifest.ts";
import { select, type Wishes } from "../src/select.ts";
import type { DeviceFacts } from "../src/types.ts";

function variant(id: string, changes: Partial<Variant> = {}): Variant {
  return {
    id,
    dtype: "fp32",
    scheme: "fp32",
    digest: "",
    device: "wasm",
    runtime: "onnxruntime-web",
    executionProviders: [],
    requires: { wasm: [] },
    graph: "",
    externalData: [],
    sessionOptions: {},
    size: { decoded: 100, transfer: 100 },
    ...changes,
  };
}

const webgpu = (features: readonly string[] = [], limits: Record<string, number> = {}): Partial<Variant> => ({
  device: "webgpu",
  requires: { wasm: [], webgpu: { features, limits: new Map(Object.entries(limits)) } },
});

function order(
  variants: readonly Variant[],
  facts: DeviceFacts = {},
  wishes: Wishes = {},
): readonly string[] {
  const candidates = variants.map((item) => ({ variant: item, missingBytes: item.size.transfer }));
  return select(candidates, facts, wishes).order.map((candidate) => candidate.variant.id);
}

function refusal(item: Variant, facts: DeviceFacts = {}, wishes: Wishes = {}): string | undefined {
  const candidates = [item, variant("other")].map((each) => ({ variant: each, missingBytes: 50 }));
  return select(candidates, facts, { ...wishes, variant: undefined }).rejected[0]?.why;
}

describe("what a device cannot run is passed over", () => {
  const gpu = { features: ["shader-f16"], limits: { maxBufferSize: 1000 } };

  test.each<readonly [string, Variant, DeviceFacts, string | undefined]>([
    ["WebGPU, unknown", variant("a", { device: "webgpu" }), {}, "no WebGPU here"],
    ["WebGPU, there", variant("a", { device: "webgpu" }), { webgpu: gpu }, undefined],
    ["a feature, missing", variant("a", webgpu(["subgroups"])), { webgpu: gpu }, "WebGPU lacks subgroups"],
    ["a feature, there", variant("a", webgpu(["shader-f16"])), { webgpu: gpu }, undefined],
    [
      "a limit, lower",
      variant("a", webgpu([], { maxBufferSize: 1001 })),
      { webgpu: gpu },
      "WebGPU's maxBufferSize is 1000, less than 1001",
    ],
    ["a limit, equal", variant("a", webgpu([], { maxBufferSize: 1000 })), { webgpu: gpu }, undefined],
    [
      "a limit, unknown",
      variant("a", webgpu([], { other: 1 })),
      { webgpu: gpu },
      "WebGPU's other is 0, less than 1",
    ],
    [
      "WebGPU for wasm",
      variant("a", { requires: { wasm: [], webgpu: { features: [], limits: new Map() } } }),
      {},
      "no WebGPU here",
    ],
    [
      "threads, missing",
      variant("a", { requires: { wasm: ["threads"] } }),
      { wasm: ["simd"] },
      "WebAssembly lacks threads",
    ],
    [
      "threads, there",
      variant("a", { requires: { wasm: ["threads"] } }),
      { wasm: ["simd", "threads"] },
      undefined,
    ],
    ["threads, unknown", variant("a", { requires: { wasm: ["threads"] } }), {}, undefined],
    [
      "memory, less",
      variant("a", { requires: { wasm: [], deviceMemoryGB: 8 } }),
      { deviceMemoryGB: 4 },
      "less than 8 GB of memory",
    ],
    ["memory, unknown", variant("a", { requires: { wasm: [], deviceMemoryGB: 8 } }), {}, undefined],
    [
      "storage, less",
      variant("a", { requires: { wasm: [], storageBytes: 9 } }),
      { storageBytes: 8 },
      "less than 9 bytes of storage",
    ],
    [
      "storage, equal",
      variant("a", { requires: { wasm: [], storageBytes: 9 } }),
      { storageBytes: 9 },
      undefined,
    ],
    ["WebNN, none", variant("a", { device: "webnn" }), { webnn: false }, "no WebNN here"],
    ["WebNN, unknown", variant("a", { device: "webnn" }), {}, "no WebNN here"],
    ["WebNN, there", variant("a", { device: "webnn" }), { webnn: true }, undefined],
    ["a device of the future", variant("a", { device: "npu" }), {}, "npu is not supported"],
    ["another runtime", variant("a", { runtime: "litert" }), {}, "it is for litert"],
  ])("%s", (_, item, facts, expected) => {
    expect(refusal(item, facts)).toBe(expected);
  });
});

describe("what was asked for", () => {
  const all = [variant("a", { device: "webgpu" }), variant("b", { dtype: "q8" }), variant("c")];
  const facts = { webgpu: { features: [], limits: {} } };

  test.each<readonly [Wishes, readonly string[]]>([
    [{}, ["a", "b", "c"]],
    [{ device: "wasm" }, ["b", "c"]],
    [{ device: "webgpu" }, ["a"]],
    [{ dtype: "q8" }, ["b"]],
    [{ variant: "c" }, ["c"]],
    [{ maxDownloadBytes: 100 }, ["a", "b", "c"]],
  ])("%j", (wishes, expected) => {
    expect(order(all, facts, wishes)).toEqual(expected);
  });

  test("and is not there is NO_VARIANT, with the reason of each", () => {
    expect(() => order(all, {}, { device: "webgpu" })).toThrow(
      "no variant can be used here (a: no WebGPU here; b: asked for webgpu; c: asked for webgpu)",
    );
  });
});

describe("prefer", () => {
  const sized = (
    id: string,
    transfer: number,
    missingBytes: number,
  ): { variant: Variant; missingBytes: number } => ({
    variant: variant(id, { size: { decoded: 1, transfer } }),
    missingBytes,
  });
  const candidates = [sized("first", 300, 300), sized("half", 200, 100), sized("stored", 250, 0)];

  test.each([
    ["cached", ["stored", "first", "half"], "it is stored already"],
    ["best", ["first", "half", "stored"], "the first of the manifest that this device can run"],
    ["smallest", ["half", "stored", "first"], "the smallest that this device can run"],
  ] as const)("%s", (prefer, expected, why) => {
    const selection = select(candidates, {}, { prefer });
    expect(selection.order.map((candidate) => candidate.variant.id)).toEqual(expected);
    expect(selection.why).toBe(why);
  });
});
