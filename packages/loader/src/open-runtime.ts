/** An engine in which onnxruntime has started. */
import { abortable, within } from "./abort.ts";
import type { Compiled, Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import { measurePhase } from "./phases.ts";
import { openEngine } from "./spawn.ts";
import type { RuntimeOptions } from "./types.ts";

export interface Runtime {
  readonly engine: Engine;
  /** Where its wasm came from; empty where that is not known. */
  readonly wasm: string;
}

// Nobody sees how much of the runtime has arrived. Ten stalls, five minutes, is its 14 MB at 0.4 Mbit/s.
const STALLS_TO_START = 10;

/** The runtime for `device`. `wasm` is where its wasm came from last time: it is compiled here, beside the worker. */
export async function openRuntime(device: string, environment: Environment, wasm?: string): Promise<Runtime> {
  const { options, scope, signal, baseUrl } = environment;
  const measure = measurePhase(scope.performance, "runtime");
  const limitMs = STALLS_TO_START * (options.stallTimeoutMs ?? 30_000);
  const runtime = absolute(options.runtime ?? {}, baseUrl);
  const opening = openEngine(environment);
  const compiling = wasm ? compile(wasm, signal) : undefined;
  const engine = await opening;
  const start = async (): Promise<string> => {
    engine.ask({ kind: "prepare", device, runtime }, { signal }).catch(() => undefined); // the start says so, too
    const compiled = await compiling;
    const { wasm: found } = await engine.ask({ kind: "start", device, runtime, compiled }, { signal });
    return `${found?.data[0] ?? ""}`;
  };
  try {
    const found = await within(start(), limitMs, () => {
      const message = `onnxruntime did not start in ${limitMs} ms`;
      return new ModelpackError("RUNTIME_INIT", message, {
        retryable: true,
        hint: "check that its .wasm arrives",
      });
    });
    measure();
    return { engine, wasm: found };
  } catch (error) {
    engine.close();
    throw error;
  }
}

/**
 * The module, compiled in the page; undefined where that fails, and the worker does it itself.
 * Measured: what a worker compiles itself starts in 150 ms, what the page hands over in 50, both from V8's code cache.
 */
async function compile(wasm: string, signal: AbortSignal | undefined): Promise<Compiled | undefined> {
  try {
    const response = fetch(wasm, { credentials: "same-origin", signal: signal ?? null });
    return { url: wasm, module: await abortable(WebAssembly.compileStreaming(response), signal) };
  } catch {
    return undefined;
  }
}

/** A worker would take addresses as relative to itself; the caller means the page. */
function absolute(
  { wasmPaths, moduleUrl, numThreads }: RuntimeOptions,
  baseUrl: string | undefined,
): RuntimeOptions {
  const resolve = (address: string | undefined): string | undefined =>
    address && baseUrl ? new URL(address, baseUrl).href : address;
  return {
    numThreads,
    moduleUrl: resolve(moduleUrl),
    wasmPaths:
      typeof wasmPaths === "object"
        ? {
            ...(wasmPaths.mjs && { mjs: resolve(wasmPaths.mjs) ?? "" }),
            ...(wasmPaths.wasm && { wasm: resolve(wasmPaths.wasm) ?? "" }),
          }
        : resolve(wasmPaths),
  };
}
