/** From verified bytes to a session: the runtime starts while they arrive. */
import { within } from "./abort.ts";
import type { Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import type { Model, Variant } from "./manifest.ts";
import { measurePhase } from "./phases.ts";
import { metadataOf } from "./plan.ts";
import type { ProgressMeter } from "./progress.ts";
import { openEngine } from "./spawn.ts";
import type { OrtInputs, RuntimeOptions } from "./types.ts";

export interface Described {
  readonly model: Model;
  readonly variant: Variant;
}

// Nobody sees how much of the runtime has arrived. Ten stalls, five minutes, is its 14 MB at 0.4 Mbit/s.
const STALLS_TO_START = 10;

type SessionInputs = Pick<OrtInputs, "model" | "externalData" | "sessionOptions">;

/** An engine with a session of `arriving`. */
export async function startSession(
  arriving: Promise<SessionInputs>,
  { model, variant }: Described,
  environment: Environment,
  meter: ProgressMeter,
): Promise<Engine> {
  const { signal, scope } = environment;
  const opening = openEngine(environment);
  try {
    const [given, engine] = await Promise.all([
      arriving,
      startRuntime(opening, variant.device, environment, meter),
    ]);
    meter.begin("session");
    const measure = measurePhase(scope.performance, "session");
    const memory = [given.model, ...given.externalData.map(({ data }) => data)].map(({ buffer }) => buffer);
    const { inputs } = metadataOf(model, variant);
    const mustRehearse = variant.device === "webgpu";
    const request = { kind: "create", ...given, inputs, state: model.state, mustRehearse } as const;
    await engine.ask(request, { signal, transfer: memory as ArrayBuffer[] });
    measure();
    return engine;
  } catch (error) {
    opening.then((engine) => engine.close()).catch(() => undefined);
    throw error;
  }
}

async function startRuntime(
  opening: Promise<Engine>,
  device: string,
  { options, scope, signal, baseUrl }: Environment,
  meter: ProgressMeter,
): Promise<Engine> {
  const measure = measurePhase(scope.performance, "runtime");
  const engine = await opening;
  const limitMs = STALLS_TO_START * (options.stallTimeoutMs ?? 30_000);
  const started = engine.ask(
    { kind: "start", device, runtime: absolute(options.runtime ?? {}, baseUrl) },
    { signal },
  );
  await within(started, limitMs, () => {
    const message = `onnxruntime did not start in ${limitMs} ms`;
    return new ModelpackError("RUNTIME_INIT", message, {
      retryable: true,
      hint: "check that its .wasm arrives",
    });
  });
  measure();
  meter.finish("runtime");
  return engine;
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
