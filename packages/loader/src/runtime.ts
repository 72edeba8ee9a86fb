/** onnxruntime: its import, its start, and its errors as ours. */
import { type ErrorCode, ModelpackError, messageOf } from "./errors.ts";
import type { Feeds, OrtModule, OrtSession, RuntimeOptions, TensorLike } from "./types.ts";

// One Identity node: creating a session from it starts the runtime while the weights are still on their way.
const SMALLEST_MODEL =
  "CAc6NwoQCgFhEgFiIghJZGVudGl0eRIBZ1oPCgFhEgoKCAgBEgQKAggBYg8KAWISCgoICAESBAoCCAFCBAoAEA0=";

/** The build that the device needs. Throws RUNTIME_INIT. */
export async function importRuntime(device: string, { moduleUrl }: RuntimeOptions): Promise<OrtModule> {
  try {
    // Plain wasm starts twice as fast as the WebGPU build and is half its size.
    const module: unknown = moduleUrl
      ? await import(/* @vite-ignore */ /* webpackIgnore: true */ moduleUrl)
      : device === "wasm"
        ? await import("onnxruntime-web/wasm")
        : await import("onnxruntime-web/webgpu"); // WebNN is in the same build
    return module as OrtModule;
  } catch (cause) {
    throw runtimeError(
      cause,
      "check that onnxruntime-web is installed and that the page may load its module",
    );
  }
}

/** The runtime's WebAssembly from the pack, and the version of the JavaScript that it belongs to. */
export interface PackedRuntime {
  readonly version: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface Start {
  readonly device: string;
  readonly runtime: RuntimeOptions;
  readonly packed?: PackedRuntime | undefined;
}

/** Starts its WebAssembly: the pack's, if it is of this version, else its own. Whether it is the pack's. Throws RUNTIME_INIT. */
export async function startRuntime(ort: OrtModule, { device, runtime, packed }: Start): Promise<boolean> {
  const { wasm, versions } = ort.env;
  const isPacked = wasm !== undefined && packed !== undefined && versions?.web === packed.version;
  if (isPacked) wasm.wasmBinary = packed.bytes;
  if (wasm) {
    // More threads inside a bundled worker hang silently, so they are asked for.
    wasm.numThreads = runtime.numThreads ?? 1;
    if (runtime.wasmPaths) wasm.wasmPaths = runtime.wasmPaths;
  }
  try {
    const model = Uint8Array.from(atob(SMALLEST_MODEL), (character) => character.charCodeAt(0));
    const options = { executionProviders: [device] };
    await (await ort.InferenceSession.create(model, options as never)).release();
  } catch (cause) {
    const hint = "check that its .wasm is served, and that the CSP has script-src 'self' 'wasm-unsafe-eval'";
    throw runtimeError(cause, hint);
  } finally {
    if (isPacked) wasm.wasmBinary = undefined; // it is compiled, and 14 MB
  }
  return isPacked;
}

/** Where this thread's last wasm came from; empty where the browser does not say. */
export function wasmAddresses(): readonly string[] {
  const entries = globalThis.performance?.getEntriesByType?.("resource") ?? [];
  return entries.flatMap(({ name }) => (/\.wasm([?#]|$)/.test(name) ? [name] : [])).slice(-1);
}

function runtimeError(cause: unknown, hint: string): ModelpackError {
  return new ModelpackError("RUNTIME_INIT", `onnxruntime did not start: ${messageOf(cause)}`, {
    cause,
    hint,
  });
}

/** A session. Throws SESSION_CREATE or OUT_OF_MEMORY. */
export async function createSession(ort: OrtModule, model: Uint8Array, options: object): Promise<OrtSession> {
  try {
    return await ort.InferenceSession.create(model, options as never);
  } catch (cause) {
    throw ortError(cause, "SESSION_CREATE", "the session was not created");
  }
}

/** The outputs. Throws RUN or OUT_OF_MEMORY. */
export async function runSession(
  session: OrtSession,
  feeds: Feeds,
): Promise<Readonly<Record<string, TensorLike>>> {
  try {
    return (await session.run(feeds as never)) as Readonly<Record<string, TensorLike>>;
  } catch (cause) {
    throw ortError(cause, "RUN", "the model did not run");
  }
}

function ortError(cause: unknown, code: ErrorCode, what: string): ModelpackError {
  const isMemory = /of memory|memory size|alloc/i.test(messageOf(cause));
  return new ModelpackError(isMemory ? "OUT_OF_MEMORY" : code, `${what}: ${messageOf(cause)}`, { cause });
}
