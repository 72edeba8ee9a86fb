/**
 * While weights arrive, a session of zeros is created, run once and released: what the browser has to compile for the real
 * one is compiled then. Only where the network leaves the time.
 */
import { abortable } from "./abort.ts";
import type { Environment } from "./environment.ts";
import { sessionOptionsOf } from "./inputs.ts";
import { openRuntime, type Runtime } from "./open-runtime.ts";
import { measurePhase } from "./phases.ts";
import { metadataOf, type Planned, type PlannedVariant } from "./plan.ts";
import type { ProgressMeter } from "./progress.ts";

// Twice what it takes on two slow cores; and zeros take as much memory as the weights.
const ENOUGH_S = 1;
const MOST_BYTES = 100e6;

export interface Stage {
  readonly planned: Planned;
  readonly environment: Environment;
  readonly meter: ProgressMeter;
  /** The graph, as soon as it is there. */
  readonly graph: Promise<Uint8Array>;
}

/** `opening` after a rehearsal, if there is time for one; another runtime if this one may not have survived it. */
export async function rehearse(
  opening: Promise<Runtime>,
  { variant }: PlannedVariant,
  { planned, environment, meter, graph }: Stage,
): Promise<Runtime> {
  const runtime = await opening;
  if (variant.device !== "wasm" || variant.size.decoded > MOST_BYTES) return runtime;
  const model = (await abortable(graph, environment.signal)).slice();
  if (meter.secondsLeft() < ENOUGH_S) return runtime;
  const { files } = planned.manifest;
  const externalData = variant.externalData.map(({ path, file }) => ({
    path,
    sizeBytes: files.get(file)?.size ?? 0,
  }));
  const sessionOptions = sessionOptionsOf(variant, environment);
  const { inputs } = metadataOf(planned.model, variant);
  const { signal, scope } = environment;
  const measure = measurePhase(scope.performance, "rehearsal");
  try {
    await runtime.engine.ask({ kind: "rehearse", model, externalData, sessionOptions, inputs }, { signal });
    measure();
    return runtime;
  } catch {
    runtime.engine.close();
    return openRuntime(variant.device, environment);
  }
}
