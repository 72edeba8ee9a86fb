import { describe, expect, test } from "vitest";
import { type DeviceScope, detectDevice } from "../src/device.ts";

const adapter = {
  features: new Set(["shader-f16"]),
  limits: { maxBufferSize: 268435456, __proto__: { maxBindGroups: 4 } },
};

async function facts(scope: DeviceScope, withWebgpu: boolean = true): ReturnType<typeof detectDevice> {
  return detectDevice(scope, { withWebgpu });
}

describe("detectDevice", () => {
  test("knows nothing of an empty scope", async () => {
    expect(await facts({})).toEqual({
      webgpu: undefined,
      webnn: false,
      wasm: undefined,
      deviceMemoryGB: undefined,
      storageBytes: undefined,
      saveData: undefined,
    });
  });

  test("reads what a browser says", async () => {
    const newest = { validate: () => true } as unknown as typeof WebAssembly;
    const navigator = {
      deviceMemory: 8,
      connection: { saveData: true },
      gpu: { requestAdapter: async () => adapter },
      storage: { estimate: async () => ({ quota: 100, usage: 30 }) },
    };
    expect(await facts({ navigator, WebAssembly: newest, crossOriginIsolated: true })).toEqual({
      webgpu: { features: ["shader-f16"], limits: { maxBufferSize: 268435456, maxBindGroups: 4 } },
      webnn: false,
      wasm: ["simd", "relaxed-simd", "threads"],
      deviceMemoryGB: 8,
      storageBytes: 70,
      saveData: true,
    });
  });

  test("tells WebNN by what the browser has", async () => {
    expect((await facts({ navigator: { ml: {} } })).webnn).toBe(true);
    expect((await facts({ navigator: {} })).webnn).toBe(false);
  });

  test("does not ask for an adapter that no variant needs", async () => {
    const gpu = { requestAdapter: () => expect.unreachable("it was asked") };
    expect((await facts({ navigator: { gpu } }, false)).webgpu).toBeUndefined();
  });

  test.each([
    ["no adapter", { gpu: { requestAdapter: async () => null } }],
    ["a driver that fails", { gpu: { requestAdapter: () => Promise.reject(new Error("lost")) } }],
    ["blocked storage", { storage: { estimate: () => Promise.reject(new Error("blocked")) } }],
  ])("takes %s for not knowing", async (_, navigator) => {
    expect(await facts({ navigator })).toMatchObject({ webgpu: undefined, storageBytes: undefined });
  });

  test("tells relaxed SIMD by validating a module", async () => {
    const modules: Uint8Array[] = [];
    const old = {
      validate: (module: Uint8Array) => modules.push(module) < 0,
    } as unknown as typeof WebAssembly;
    expect((await facts({ WebAssembly: old })).wasm).toEqual(["simd"]);
    expect([...(modules[0] ?? [])].slice(-4)).toEqual([253, 128, 2, 11]); // i8x16.relaxed_swizzle, end
  });
});
