/** From verified bytes to a session: the runtime starts while they arrive. */
import { abortable } from "./abort.ts";
import { rememberRuntime } from "./early.ts";
import type { Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import type { SessionInputs } from "./inputs.ts";
import type { Variant } from "./manifest.ts";
import type { Runtime } from "./open-runtime.ts";
import { measurePhase } from "./phases.ts";
import { metadataOf, type Planned } from "./plan.ts";
import type { ProgressMeter } from "./progress.ts";

export interface Described {
  readonly planned: Planned;
  readonly variant: Variant;
  readonly opening: Promise<Runtime>;
  /** Whether the runtime's wasm is of the pack. */
  readonly isPacked: boolean;
}

/** An engine with a session of `arriving`. */
export async function startSession(
  arriving: Promise<SessionInputs>,
  { planned, variant, opening, isPacked }: Described,
  environment: Environment,
  meter: ProgressMeter,
): Promise<Engine> {
  const { signal, scope } = environment;
  const { device } = variant;
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
    const mustRehearse = device !== "wasm";
    const request = { kind: "create", ...given, inputs, state: planned.model.state, mustRehearse } as const;
    await engine.ask(request, { signal, transfer: memory as ArrayBuffer[] });
    measure();
    const note = { device, wasm, isPacked };
    void rememberRuntime(planned.reference, environment, note).catch(() => undefined);
    return engine;
  } catch (error) {
    opening.then(({ engine }) => engine.close()).catch(() => undefined);
    throw error;
  }
}
