/** What this browser offers, asked once at the edge; everything else is given the answer. */
import { abortable } from "./abort.ts";
import type { DeviceFacts, WebgpuFacts } from "./types.ts";

/** The parts of the global scope that are asked. */
export interface DeviceScope {
  readonly navigator?: object | undefined;
  readonly WebAssembly?: typeof WebAssembly | undefined;
  readonly crossOriginIsolated?: boolean | undefined;
}

interface Adapter {
  readonly features: Iterable<string>;
  readonly limits: object;
}

interface NavigatorFacts {
  readonly deviceMemory?: number;
  readonly connection?: { readonly saveData?: boolean };
  readonly gpu?: { requestAdapter(): Promise<Adapter | null> };
  readonly storage?: { estimate?(): Promise<{ quota?: number; usage?: number }> };
}

// The smallest module with a relaxed instruction, i8x16.relaxed_swizzle.
const RELAXED_SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2,
  253, 15, 253, 128, 2, 11,
];

/** The facts. Asks the graphics adapter only if `withWebgpu`: that alone can take a tenth of a second. */
export async function detectDevice(
  scope: DeviceScope,
  options: { readonly withWebgpu: boolean; readonly signal?: AbortSignal | undefined },
): Promise<DeviceFacts> {
  const navigator = (scope.navigator ?? {}) as NavigatorFacts;
  const [webgpu, storageBytes] = await abortable(
    Promise.all([options.withWebgpu ? askAdapter(navigator) : undefined, freeBytes(navigator)]),
    options.signal,
  );
  return {
    webgpu,
    webnn: "ml" in navigator,
    wasm: wasmFeatures(scope),
    deviceMemoryGB: navigator.deviceMemory,
    storageBytes,
    saveData: navigator.connection?.saveData,
  };
}

/** Bytes that the origin may still store; undefined where the browser does not say. */
export async function freeBytes(navigator: NavigatorFacts): Promise<number | undefined> {
  try {
    const { quota, usage } = (await navigator.storage?.estimate?.()) ?? {};
    return quota === undefined ? undefined : quota - (usage ?? 0);
  } catch {
    return undefined; // storage is blocked: unknown
  }
}

async function askAdapter({ gpu }: NavigatorFacts): Promise<WebgpuFacts | undefined> {
  try {
    const adapter = await gpu?.requestAdapter();
    if (!adapter) return undefined;
    const limits: Record<string, number> = {};
    for (const name in adapter.limits) {
      const limit: unknown = Reflect.get(adapter.limits, name);
      if (typeof limit === "number") limits[name] = limit;
    }
    return { features: [...adapter.features], limits };
  } catch {
    return undefined; // a blocked or broken driver is no WebGPU
  }
}

function wasmFeatures({
  WebAssembly: wasm,
  crossOriginIsolated,
}: DeviceScope): readonly string[] | undefined {
  if (!wasm) return undefined;
  const hasRelaxed = wasm.validate(new Uint8Array(RELAXED_SIMD));
  // onnxruntime-web has no build without SIMD, nor has any browser that it supports.
  return ["simd", ...(hasRelaxed ? ["relaxed-simd"] : []), ...(crossOriginIsolated ? ["threads"] : [])];
}
