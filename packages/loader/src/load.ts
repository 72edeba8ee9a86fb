/** From a reference to a model that runs. */
import { abortable, throwIfAborted } from "./abort.ts";
import { isShared } from "./chunks.ts";
import type { Early } from "./early.ts";
import { type Environment, openEnvironment } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import { fetchChunks } from "./files.ts";
import { measurePhase } from "./phases.ts";
import { describe, type Planned, type PlannedVariant, planWith, summarize } from "./plan.ts";
import { type ProgressMeter, progressMeter } from "./progress.ts";
import { resolveReference } from "./reference.ts";
import { variantChunks } from "./sizes.ts";
import type { LoadedModel, LoadOptions, LoadPlan, ModelRef, ModelReference, OrtInputs } from "./types.ts";

/** The model, ready to run. */
export async function load<Types = unknown>(
  ref: ModelRef<Types>,
  options: LoadOptions<Types> = {},
): Promise<LoadedModel<Types>> {
  const session = importSession(); // small, and there before the plan is made
  session.catch(() => undefined); // it is awaited later, and may fail before
  const begin: Begin = async (reference, environment) => (await session).startEarly(reference, environment);
  const work: Work<LoadedModel<Types>> = async (planned, environment, meter, early) => {
    const { loadFirst } = await abortable(session, environment.signal);
    const model = await loadFirst(planned, environment, meter, await early);
    meter.begin("done");
    void askToPersist(environment);
    return model;
  };
  return withPlan(ref, options, work, begin);
}

/** Downloads, verifies and stores what `load` would need, and starts nothing. */
export async function preload<Types = unknown>(
  ref: ModelRef<Types>,
  options: LoadOptions<Types> = {},
): Promise<LoadPlan> {
  return withPlan(ref, options, async (planned, environment, meter) => {
    const [first] = planned.selection.order as [PlannedVariant];
    meter.expect(first.missing, []);
    meter.begin("download");
    const measure = measurePhase(environment.scope.performance, "download");
    await fetchChunks(first.missing, planned, environment, meter);
    measure();
    meter.begin("done");
    void askToPersist(environment);
    return describe(planned);
  });
}

/** The verified bytes for a page that creates its own session. */
export async function ortInputs<Types = unknown>(
  ref: ModelRef<Types>,
  options: LoadOptions<Types> = {},
): Promise<OrtInputs> {
  return withPlan(ref, options, async (planned, environment, meter) => {
    const [first] = planned.selection.order as [PlannedVariant];
    const chunks = new Set(variantChunks(planned.manifest, first.variant)); // the page has a runtime
    const missing = first.missing.filter((chunk) => chunks.has(chunk));
    const { fetchInputs } = await importSession();
    const inputs = await fetchInputs({ ...first, missing }, planned, environment, meter);
    meter.begin("done");
    void askToPersist(environment);
    return { variant: summarize(first.variant), device: first.variant.device, ...inputs };
  });
}

type Begin = (reference: ModelReference, environment: Environment) => Promise<Early | undefined>;
type Work<T> = (
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
  early: Promise<Early | undefined>,
) => Promise<T>;

/**
 * What `work` gives; once more with a new manifest where the first one's chunks are gone. Generations never mix.
 * `begin` starts beside the manifest, and what of it is not taken is ended.
 */
async function withPlan<T>(ref: ModelRef, options: LoadOptions, work: Work<T>, begin?: Begin): Promise<T> {
  const environment = await openEnvironment(options);
  throwIfAborted(options.signal);
  const reference = resolveReference(ref, environment.baseUrl);
  const meter = progressMeter(options.onProgress, environment.now);
  const measureLoad = measurePhase(environment.scope.performance, "load");
  meter.begin("manifest");
  const early = Promise.resolve(begin?.(reference, environment)).catch(() => undefined);
  try {
    const planned = await makePlan(reference, environment);
    meter.finish("manifest");
    try {
      return await work(planned, environment, meter, early);
    } catch (error) {
      if (!isStale(error) || reference.sha256 || !planned.digest) throw error;
      const renewed = await makePlan(reference, environment);
      if (renewed.digest === planned.digest) throw error;
      return await work(renewed, environment, meter, early);
    }
  } finally {
    void early.then((engine) => engine?.discard());
    measureLoad();
  }
}

async function makePlan(reference: ModelReference, environment: Environment): Promise<Planned> {
  const measure = measurePhase(environment.scope.performance, "manifest");
  const planned = await planWith(reference, environment);
  measure();
  return planned;
}

async function importSession(): Promise<typeof import("./session.ts")> {
  return import("./session.ts").catch((cause: unknown) => {
    throw new ModelpackError("RUNTIME_INIT", "a file of the loader did not load", { cause, retryable: true });
  });
}

function isStale(error: unknown): boolean {
  if (!(error instanceof ModelpackError)) return false;
  return (
    error.code === "NOT_BINARY" ||
    (error.code === "CHUNK_FETCH" && (error.status === 404 || error.status === 410))
  );
}

/** Asks the browser not to evict the models: after the first success, when there is something to keep. */
async function askToPersist({ scope, keeper }: Environment): Promise<void> {
  try {
    if (isShared(keeper.store)) await scope.navigator?.storage?.persist?.();
  } catch {
    // Storage that may be evicted is storage all the same.
  }
}
