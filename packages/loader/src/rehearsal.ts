/**
 * While weights arrive, a session of zeros is created, run once and released: what the browser has to compile for the real
 * one is compiled then. Only where the network leaves the time, and only in a worker: the page would stand still.
 */
import { abortable, throwIfAborted } from "./abort.ts";
import type { Rehearsal as Script } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { sessionOptionsOf } from "./inputs.ts";
import type { Variant } from "./manifest.ts";
import { openRuntime, type Runtime } from "./open-runtime.ts";
import { measurePhase } from "./phases.ts";
import { metadataOf, type Planned, type PlannedVariant } from "./plan.ts";
import type { ProgressMeter } from "./progress.ts";

// Twice what it takes on two slow cores; and zeros take as much memory as the weights.
const ENOUGH_S = 1;
const MOST_BYTES = 100e6;

export interface Rehearsal {
  /** Takes the graph as soon as it is there. */
  readonly onFirst: (graph: Uint8Array) => void;
  /**
   * The runtime after the rehearsal, if there was time for one; another runtime if it may not have survived it. A load that
   * fails or is aborted meanwhile ends it.
   */
  after(opening: Promise<Runtime>): Promise<Runtime>;
}

/** A rehearsal of `candidate`, which the graph and the runtime are waited for with. */
export function rehearsalOf(
  { variant }: PlannedVariant,
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
): Rehearsal {
  let onFirst: Rehearsal["onFirst"] = () => undefined;
  const graph = new Promise<Uint8Array>((resolve) => {
    onFirst = resolve;
  });
  const { signal, scope } = environment;
  return {
    onFirst,
    after: async (opening) => {
      const runtime = await opening;
      const { engine } = runtime;
      if (!engine.isRemote || variant.device !== "wasm" || variant.size.decoded > MOST_BYTES) return runtime;
      try {
        const model = (await abortable(graph, signal)).slice();
        if (meter.secondsLeft() < ENOUGH_S) return runtime;
        const measure = measurePhase(scope.performance, "rehearsal");
        const request = { ...scriptOf(variant, planned, environment), kind: "rehearse", model } as const;
        await engine.ask(request, { signal });
        measure();
        return runtime;
      } catch {
        engine.close();
        throwIfAborted(signal);
        return openRuntime(variant.device, environment);
      }
    },
  };
}

function scriptOf(
  variant: Variant,
  { manifest, model }: Planned,
  environment: Environment,
): Omit<Script, "model"> {
  return {
    externalData: variant.externalData.map(({ path, file }) => ({
      path,
      sizeBytes: manifest.files.get(file)?.size ?? 0,
    })),
    sessionOptions: sessionOptionsOf(variant, environment),
    inputs: metadataOf(model, variant).inputs,
  };
}
