/** An engine in which onnxruntime has started. */
import { abortable, within } from "./abort.ts";
import type { Compiled, Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import { measurePhase } from "./phases.ts";
import type { PackedRuntime } from "./runtime.ts";
import { openEngine } from "./spawn.ts";
import type { Outputs, RuntimeOptions } from "./types.ts";

export interface Sources {
  /** Where it starts; by default in an engine of its own. */
  readonly engine?: Engine | undefined;
  /** Where the wasm came from last time: it is compiled here, beside the worker. */
  readonly wasm?: string;
  /** What the pack has of it. */
  readonly packed?: Promise<PackedRuntime> | undefined;
}

export interface Runtime {
  readonly engine: Engine;
  /** Where its wasm came from; empty where that is not known. */
  readonly wasm: string;
}

// Nobody sees how much of the runtime has arrived. Ten stalls, five minutes, is its 14 MB at 0.4 Mbit/s.
const STALLS_TO_START = 10;

/** The runtime for `device`. */
export async function openRuntime(
  device: string,
  environment: Environment,
  { engine: given, wasm, packed: arriving }: Sources = {},
): Promise<Runtime> {
  const { options, scope, signal, baseUrl } = environment;
  const measure = measurePhase(scope.performance, "runtime");
  const limitMs = STALLS_TO_START * (options.stallTimeoutMs ?? 30_000);
  const runtime = absolute(options.runtime ?? {}, baseUrl);
  const opening = given ?? openEngine(environment);
  const compiling = wasm ? compile(wasm, signal) : undefined;
  const engine = await opening;
  const limited = <T>(pending: Promise<T>): Promise<T> =>
    within(pending, limitMs, () => {
      const message = `onnxruntime did not start in ${limitMs} ms`;
      return new ModelpackError("RUNTIME_INIT", message, {
        retryable: true,
        hint: "check that its .wasm arrives",
      });
    });
  try {
    engine.ask({ kind: "prepare", device, runtime }, { signal }).catch(() => undefined); // the start says so, too
    const packed = await arriving; // as long as its chunks take
    const compiled = await limited(Promise.resolve(compiling));
    const request = { kind: "start", device, runtime, compiled, packed } as const;
    const transfer = packed && [packed.bytes.buffer];
    const answer = await limited(engine.ask(request, { signal, transfer }));
    if (packed && !answer["packed"]) environment.warn(otherVersion(packed.version, answer));
    const found = `${answer["wasm"]?.data[0] ?? ""}`;
    measure();
    return { engine, wasm: found };
  } catch (error) {
    engine.close();
    throw error;
  }
}

function otherVersion(packed: string, { version }: Outputs): ModelpackError {
  const message = `the pack has onnxruntime-web ${packed}; the page has ${version?.data[0]}, and fetches its own wasm`;
  return new ModelpackError("RUNTIME_INIT", message, { hint: "run `modelpack build` again" });
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
