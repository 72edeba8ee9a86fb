/** The variants of a plan, tried in its order until one runs. */
import { childController } from "./abort.ts";
import type { Attached } from "./attach.ts";
import type { Early } from "./early.ts";
import type { Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import { concurrency, fetchFiles } from "./files.ts";
import { fetchInputs } from "./inputs.ts";
import { loadedModel } from "./model.ts";
import { openRuntime } from "./open-runtime.ts";
import { type Planned, type PlannedVariant, summarize } from "./plan.ts";
import type { ProgressMeter } from "./progress.ts";
import { rehearsalOf } from "./rehearsal.ts";
import type { PackedRuntime } from "./runtime.ts";
import { startSession } from "./start.ts";
import type { LoadedModel, VariantSummary } from "./types.ts";

/** The model with the first variant whose session is created. `early` is a runtime that may be there already. */
export async function loadFirst(
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
  early: Early | undefined,
): Promise<LoadedModel> {
  const steppedDown: { variant: VariantSummary; error: ModelpackError }[] = [];
  let rest: readonly PlannedVariant[] = planned.selection.order;
  for (;;) {
    const [candidate, ...others] = rest as [PlannedVariant, ...PlannedVariant[]];
    const { variant } = candidate;
    try {
      const engine = await startVariant(candidate, planned, { environment, meter, early });
      return loadedModel({ planned, variant, engine, environment, steppedDown });
    } catch (error) {
      if (environment.options.fallback === false || !isOfSession(error)) throw error;
      // A runtime that did not start for this variant will not for another of the same device.
      const isRuntime = error.code === "RUNTIME_INIT";
      rest = isRuntime ? others.filter((other) => other.variant.device !== variant.device) : others;
      if (!rest.length) throw error;
      steppedDown.push({ variant: summarize(variant), error });
      environment.warn(error);
    }
  }
}

interface Attempt {
  readonly environment: Environment;
  readonly meter: ProgressMeter;
  readonly early: Early | undefined;
}

/** The weights are asked for at once; what makes a session of them starts meanwhile. In a worker of its own where the site's fails. */
async function startVariant(
  candidate: PlannedVariant,
  planned: Planned,
  { environment, meter, early }: Attempt,
): Promise<Engine> {
  const { controller, unlink } = childController(environment.signal);
  const attempt = { ...environment, signal: controller.signal };
  let attached: Attached | undefined;
  try {
    attached = await attachedTo(candidate, planned, attempt);
    if (attached?.isLive) return attached.engine;
    const { weights, runtime } = shares(concurrency(planned, attempt), candidate.runtime !== undefined);
    const packed = fetchRuntime(candidate, planned, withConcurrency(attempt, runtime), meter);
    const { device } = candidate.variant;
    const known = packed ? undefined : early?.take(device);
    const opening = known ?? openRuntime(device, attempt, { engine: attached?.engine, packed });
    const isCold = !packed && candidate.missing.length > 0;
    const mustWait = isCold && attempt.options.concurrency === undefined;
    const ahead = mustWait && { ahead: opening.catch(() => undefined) };
    const rehearsal = isCold && rehearsalOf(candidate, planned, attempt, meter);
    const heard = rehearsal && { onFirst: rehearsal.onFirst };
    const fetching = { ...withConcurrency(attempt, weights), ...ahead, ...heard };
    const inputs = fetchInputs(candidate, planned, fetching, meter);
    const ready = rehearsal ? rehearsal.after(opening) : opening;
    for (const pending of [inputs, packed, opening, ready]) pending?.catch(() => undefined); // awaited later, and may fail before
    const isPacked = packed !== undefined;
    return await startSession(
      inputs,
      { planned, variant: candidate.variant, opening: ready, isPacked },
      attempt,
      meter,
    );
  } catch (error) {
    controller.abort(); // neither a download nor a runtime goes on for nothing
    if (!attached || !isOfSession(error)) throw error;
    environment.warn(error);
    const own = { ...environment, options: { ...environment.options, worker: true } };
    return startVariant(candidate, planned, { environment: own, meter, early }); // what it fetched is stored
  } finally {
    unlink();
  }
}

/** The worker of the site, where the page asks for that. */
async function attachedTo(
  { variant }: PlannedVariant,
  { model }: Planned,
  attempt: Environment,
): Promise<Attached | undefined> {
  if (attempt.options.worker !== "shared") return undefined;
  return (await import("./attach.ts")).attach(variant, model, attempt);
}

/** The runtime's WebAssembly where the pack has it, verified as all of it. */
function fetchRuntime(
  { runtime: id }: PlannedVariant,
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
): Promise<PackedRuntime> | undefined {
  const { manifest } = planned;
  if (id === undefined || !manifest.runtime) return undefined;
  const { version } = manifest.runtime;
  return fetchFiles([id], planned, environment, meter).then(([bytes]) => ({
    version,
    bytes: bytes as Uint8Array<ArrayBuffer>,
  }));
}

/** How many chunks of each are in flight: the runtime is needed first, and must not wait for all weights. */
function shares(limit: number, hasRuntime: boolean): { readonly weights: number; readonly runtime: number } {
  const runtime = hasRuntime ? Math.max(1, Math.floor(limit / 3)) : 0;
  return { runtime, weights: Math.max(1, limit - runtime) };
}

function withConcurrency(environment: Environment, concurrency: number): Environment {
  return { ...environment, options: { ...environment.options, concurrency } };
}

function isOfSession(error: unknown): error is ModelpackError {
  return (
    error instanceof ModelpackError &&
    ["SESSION_CREATE", "RUNTIME_INIT", "OUT_OF_MEMORY"].includes(error.code)
  );
}
