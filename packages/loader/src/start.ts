/** From verified bytes to a session: the runtime starts while they arrive. */
import { abortable } from "./abort.ts";
import { type Early, rememberRuntime } from "./early.ts";
import type { Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import type { SessionInputs } from "./inputs.ts";
import type { Variant } from "./manifest.ts";
import { openRuntime } from "./open-runtime.ts";
import { measurePhase } from "./phases.ts";
import { metadataOf, type Planned } from "./plan.ts";
import type { ProgressMeter } from "./progress.ts";
import type { PackedRuntime } from "./runtime.ts";

export interface Described {
  readonly planned: Planned;
  readonly variant: Variant;
  readonly early: Early | undefined;
  /** The runtime of the pack, on its way. */
  readonly packed: Promise<PackedRuntime> | undefined;
}

/** An engine with a session of `arriving`. */
export async function startSession(
  arriving: Promise<SessionInputs>,
  { planned, variant, early, packed }: Described,
  environment: Environment,
  meter: ProgressMeter,
): Promise<Engine> {
  const { signal, scope } = environment;
  const { device } = variant;
  const known = packed ? undefined : early?.take(device);
  const opening = known ?? openRuntime(device, environment, { packed });
  try {
    const [given, { engine, wasm }] = await abortable(
      Promise.all([
        arriving,
        opening.then((runtime) => {
          meter.finish("runtime");
          return runtime;
        }),
      ]),
      signal,
    );
    meter.begin("session");
    const measure = measurePhase(scope.performance, "session");
    const memory = [given.model, ...given.externalData.map(({ data }) => data)].map(({ buffer }) => buffer);
    const { inputs } = metadataOf(planned.model, variant);
    const mustRehearse = device === "webgpu";
    const request = { kind: "create", ...given, inputs, state: planned.model.state, mustRehearse } as const;
    await engine.ask(request, { signal, transfer: memory as ArrayBuffer[] });
    measure();
    const note = { device, wasm, isPacked: packed !== undefined };
    void rememberRuntime(planned.reference, environment, note).catch(() => undefined);
    return engine;
  } catch (error) {
    opening.then(({ engine }) => engine.close()).catch(() => undefined);
    throw error;
  }
}
