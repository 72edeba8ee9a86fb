/** From verified bytes to a session: the runtime starts while they arrive. */
import type { Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import type { Model, Variant } from "./manifest.ts";
import { measurePhase } from "./phases.ts";
import { metadataOf } from "./plan.ts";
import type { ProgressMeter } from "./progress.ts";
import { openEngine } from "./spawn.ts";
import type { OrtInputs } from "./types.ts";

export interface Described {
  readonly model: Model;
  readonly variant: Variant;
}

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
    const request = { kind: "create", ...given, inputs, state: model.state } as const;
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
  { options, scope, signal }: Environment,
  meter: ProgressMeter,
): Promise<Engine> {
  const measure = measurePhase(scope.performance, "runtime");
  const engine = await opening;
  await engine.ask({ kind: "start", device, runtime: options.runtime ?? {} }, { signal });
  measure();
  meter.finish("runtime");
  return engine;
}
