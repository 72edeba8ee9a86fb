/** From a reference to a model that runs. */
import { abortable, childController, throwIfAborted } from "./abort.ts";
import { isShared } from "./chunks.ts";
import type { Engine } from "./engine.ts";
import { type Environment, openEnvironment } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import { fetchChunks, fetchFiles } from "./files.ts";
import { measurePhase } from "./phases.ts";
import { describe, type Planned, type PlannedVariant, planWith, summarize } from "./plan.ts";
import { type ProgressMeter, progressMeter } from "./progress.ts";
import { resolveReference } from "./reference.ts";
import { variantFileIds } from "./sizes.ts";
import type {
  LoadedModel,
  LoadOptions,
  LoadPlan,
  ModelRef,
  ModelReference,
  OrtInputs,
  SessionOptions,
  VariantSummary,
} from "./types.ts";

/** The model, ready to run. */
export async function load(ref: ModelRef, options: LoadOptions = {}): Promise<LoadedModel> {
  return withPlan(ref, options, async (planned, environment, meter) => {
    const steppedDown: { variant: VariantSummary; error: ModelpackError }[] = [];
    for (const [position, candidate] of planned.selection.order.entries()) {
      const { variant } = candidate;
      try {
        const engine = await startVariant(candidate, planned, environment, meter);
        const { loadedModel } = await importSession();
        meter.begin("done");
        void askToPersist(environment);
        return loadedModel({ planned, variant, engine, environment, steppedDown });
      } catch (error) {
        const isLast = position === planned.selection.order.length - 1;
        if (isLast || options.fallback === false || !isOfSession(error)) throw error;
        steppedDown.push({ variant: summarize(variant), error });
        environment.warn(error);
      }
    }
    throw new ModelpackError("NO_VARIANT", "none is left"); // never: the last one's error was thrown
  });
}

/** Downloads, verifies and stores what `load` would need, and starts nothing. */
export async function preload(ref: ModelRef, options: LoadOptions = {}): Promise<LoadPlan> {
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
export async function ortInputs(ref: ModelRef, options: LoadOptions = {}): Promise<OrtInputs> {
  return withPlan(ref, options, async (planned, environment, meter) => {
    const [first] = planned.selection.order as [PlannedVariant];
    const inputs = await fetchInputs(first, planned, environment, meter);
    meter.begin("done");
    void askToPersist(environment);
    return { variant: summarize(first.variant), device: first.variant.device, ...inputs };
  });
}

type Work<T> = (planned: Planned, environment: Environment, meter: ProgressMeter) => Promise<T>;

/** What `work` gives; once more with a new manifest where the first one's chunks are gone. Generations never mix. */
async function withPlan<T>(ref: ModelRef, options: LoadOptions, work: Work<T>): Promise<T> {
  const environment = await openEnvironment(options);
  throwIfAborted(options.signal);
  const reference = resolveReference(ref, environment.baseUrl);
  const meter = progressMeter(options.onProgress, environment.now);
  const measureLoad = measurePhase(environment.scope.performance, "load");
  meter.begin("manifest");
  const planned = await makePlan(reference, environment);
  meter.finish("manifest");
  try {
    return await work(planned, environment, meter);
  } catch (error) {
    if (!isStale(error) || reference.sha256 || !planned.digest) throw error;
    const renewed = await makePlan(reference, environment);
    if (renewed.digest === planned.digest) throw error;
    return await work(renewed, environment, meter);
  } finally {
    measureLoad();
  }
}

async function makePlan(reference: ModelReference, environment: Environment): Promise<Planned> {
  const measure = measurePhase(environment.scope.performance, "manifest");
  const planned = await planWith(reference, environment);
  measure();
  return planned;
}

/** The weights are asked for at once; what makes a session of them is loaded meanwhile. */
async function startVariant(
  candidate: PlannedVariant,
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
): Promise<Engine> {
  const { controller, unlink } = childController(environment.signal);
  const attempt = { ...environment, signal: controller.signal };
  try {
    const inputs = fetchInputs(candidate, planned, attempt, meter);
    inputs.catch(() => undefined); // it is awaited later, and may fail before
    const { startSession } = await abortable(importSession(), attempt.signal);
    return await startSession(inputs, { model: planned.model, variant: candidate.variant }, attempt, meter);
  } catch (error) {
    controller.abort(); // neither a download nor a runtime goes on for nothing
    throw error;
  } finally {
    unlink();
  }
}

async function importSession(): Promise<typeof import("./session.ts")> {
  return import("./session.ts").catch((cause: unknown) => {
    throw new ModelpackError("RUNTIME_INIT", "a file of the loader did not load", { cause, retryable: true });
  });
}

async function fetchInputs(
  { variant, missing, stored }: PlannedVariant,
  planned: Planned,
  environment: Environment,
  meter: ProgressMeter,
): Promise<Pick<OrtInputs, "model" | "externalData" | "sessionOptions">> {
  meter.expect(missing, stored);
  meter.begin("download");
  const measure = measurePhase(environment.scope.performance, "download");
  const [model, ...data] = await fetchFiles(variantFileIds(variant), planned, environment, meter);
  measure();
  const sessionOptions: SessionOptions = {
    executionProviders: variant.executionProviders,
    ...variant.sessionOptions,
    ...environment.options.sessionOptions,
  };
  const externalData = variant.externalData.map(({ path }, position) => ({
    path,
    data: data[position] as Uint8Array,
  }));
  return { model: model as Uint8Array, externalData, sessionOptions };
}

function isOfSession(error: unknown): error is ModelpackError {
  return (
    error instanceof ModelpackError &&
    ["SESSION_CREATE", "RUNTIME_INIT", "OUT_OF_MEMORY"].includes(error.code)
  );
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
