/**
 * The page's half of the tests: it is asked for attempts, and answers with plain objects. It waits for nothing longer
 * than a deadline, so that a hang is a result and not a test that never ends.
 */
import type * as Loader from "../../../src/index.ts";
import { type AbortReport, abortAtPoint } from "./points.ts";
import { clearStorage, damageStored, dropStored, isNoted, type Stored, stored } from "./storage.ts";

const LOADER = "/loader/index.js";
const DEADLINE_MS = 60_000;

export interface PlainTensor {
  readonly type: string;
  readonly data: readonly number[];
  readonly dims: readonly number[];
}

export type PlainFeeds = Readonly<Record<string, PlainTensor>>;

/** Options that survive the way into the page. */
export interface PlainOptions
  extends Pick<
    Loader.LoadOptions,
    | "device"
    | "variant"
    | "prefer"
    | "fallback"
    | "maxDownloadBytes"
    | "runtime"
    | "integrity"
    | "mirrors"
    | "concurrency"
    | "retries"
    | "stallTimeoutMs"
    | "facts"
  > {
  readonly worker?: boolean | "shared";
  readonly cache?: "auto" | "cache-api" | "opfs" | "memory";
}

/** What to do, in values that survive the way into the page. */
export interface Attempt {
  readonly ref?: Loader.ModelReference;
  readonly does?: "load" | "preload" | "plan" | "ortInputs" | "verify";
  readonly options?: PlainOptions;
  readonly feeds?: PlainFeeds;
  readonly abortAfterMs?: number;
  /** After how long nothing is a hang. */
  readonly deadlineMs?: number;
  /** Asks for an asset, too. */
  readonly asset?: string;
}

interface Common {
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly progress: readonly Loader.Progress[];
  readonly tookMs: number;
}

export interface Success extends Common {
  readonly code: "OK";
  readonly variant: string;
  readonly device: string;
  readonly why: string | undefined;
  readonly plan: Loader.LoadPlan | undefined;
  readonly steppedDown: readonly string[];
  readonly output: readonly number[];
  readonly asset: string | undefined;
  readonly verification: Loader.Verification | undefined;
}

export interface Failure extends Common {
  readonly code: Loader.ErrorCode | "HANG" | "NOT_OURS";
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly url: string | undefined;
  readonly chunk: string | undefined;
  readonly retryable: boolean;
  readonly hint: string | undefined;
}

export type Outcome = Success | Failure;

export interface Harness {
  attempt(attempt: Attempt): Promise<Outcome>;
  /** Runs the model of the last successful load again. */
  again(feeds: PlainFeeds, options?: Loader.RunOptions): Promise<Outcome>;
  release(): Promise<void>;
  /** Calls a stream of the last loaded model with each of the feeds; the first output of each. */
  stream(calls: readonly PlainFeeds[], initialState?: PlainFeeds): Promise<readonly (readonly number[])[]>;
  abortAtPoint(attempt: Attempt, point: number): Promise<AbortReport>;
  stored(): Promise<Stored>;
  /** Whether the next visit can start the runtime early. */
  isNoted(): Promise<boolean>;
  clearStorage(): Promise<void>;
  dropStored(keep: number): Promise<void>;
  damageStored(): Promise<void>;
  readonly loader: Promise<typeof Loader>;
}

declare global {
  var harness: Harness;
}

const loader = import(LOADER) as Promise<typeof Loader>;
let lastModel: Loader.LoadedModel | undefined;

globalThis.harness = {
  attempt,
  again: (feeds, options) =>
    settle([], [], async () =>
      success(lastModel as Loader.LoadedModel, await run(lastModel, feeds, options)),
    ),
  release: async () => lastModel?.release(),
  stream: async (calls, initialState) => {
    const stream = (lastModel as Loader.LoadedModel).stream(initialState && tensors(initialState));
    const outputs: number[][] = [];
    for (const feeds of calls) outputs.push(first(await stream.run(tensors(feeds))));
    return outputs;
  },
  abortAtPoint: (given, point) =>
    abortAtPoint(point, async (signal) => {
      const { load } = await loader;
      const model = await load(reference(given), { ...withDefaults(given), signal });
      lastModel = model;
      await run(model, given.feeds, { signal });
    }).finally(() => lastModel?.release()),
  stored,
  isNoted,
  clearStorage,
  dropStored,
  damageStored,
  loader,
};

async function attempt(given: Attempt): Promise<Outcome> {
  const warnings: { code: string; message: string }[] = [];
  const progress: Loader.Progress[] = [];
  const options: Loader.LoadOptions = {
    ...withDefaults(given),
    onWarning: ({ code, message }) => void warnings.push({ code, message }),
    onProgress: (step) => void progress.push(step),
    ...(given.abortAfterMs === undefined ? {} : { signal: abortedAfter(given.abortAfterMs) }),
  };
  return settle(warnings, progress, async () => perform(await loader, given, options), given.deadlineMs);
}

async function perform(
  { load, preload, plan, ortInputs, modelCache }: typeof Loader,
  given: Attempt,
  options: Loader.LoadOptions,
): Promise<Partial<Success>> {
  const ref = reference(given);
  switch (given.does ?? "load") {
    case "plan": {
      const made = await plan(ref, options);
      return { variant: made.variant.id, device: made.device, why: made.why, plan: made };
    }
    case "preload": {
      const made = await preload(ref, options);
      return { variant: made.variant.id, device: made.device, why: made.why, plan: made };
    }
    case "ortInputs": {
      const inputs = await ortInputs(ref, options);
      return {
        variant: inputs.variant.id,
        device: inputs.device,
        output: await runAlone(inputs, given.feeds),
      };
    }
    case "verify":
      return { verification: await modelCache.verify(ref) };
    case "load": {
      const model = await load(ref, options);
      lastModel = model;
      const output = await run(model, given.feeds);
      const asset = given.asset && new TextDecoder().decode(await model.asset(given.asset));
      return { ...success(model, output), asset };
    }
  }
}

/** As a page would that creates its own session. */
async function runAlone(inputs: Loader.OrtInputs, feeds: PlainFeeds | undefined): Promise<readonly number[]> {
  const ort = (await import(moduleUrl())) as Loader.OrtModule;
  const options = { ...inputs.sessionOptions, externalData: inputs.externalData };
  const session = await ort.InferenceSession.create(inputs.model, options as never);
  const given = Object.entries(tensors(feeds ?? {})).map(([name, { type, data, dims }]) => [
    name,
    new ort.Tensor(type as never, data as never, dims),
  ]);
  const outputs = (await session.run(Object.fromEntries(given) as never)) as Loader.Outputs;
  await session.release();
  return first(outputs);
}

/** What `work` gives, or the error, or HANG. Times are measured here, where no debugger listens. */
async function settle(
  warnings: Common["warnings"],
  progress: Common["progress"],
  work: () => Promise<Partial<Success>>,
  deadlineMs = DEADLINE_MS,
): Promise<Outcome> {
  const startedMs = performance.now();
  const common = (): Common => ({ warnings, progress, tookMs: performance.now() - startedMs });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, deadlineMs, "hang");
  });
  const pending = work();
  pending.catch(() => undefined);
  try {
    return { ...EMPTY, ...(await Promise.race([pending, deadline])), ...common() };
  } catch (error) {
    return { ...describe(error, (await loader).ModelpackError), ...common() };
  } finally {
    clearTimeout(timer);
  }
}

const EMPTY: Omit<Success, keyof Common> = {
  code: "OK",
  variant: "",
  device: "",
  why: undefined,
  plan: undefined,
  steppedDown: [],
  output: [],
  asset: undefined,
  verification: undefined,
};

function success(model: Loader.LoadedModel, output: readonly number[]): Partial<Success> {
  const steppedDown = model.steppedDown.map(({ variant, error }) => `${variant.id}: ${error.code}`);
  return { variant: model.variant.id, device: model.device, steppedDown, output };
}

function describe(error: unknown, known: typeof Loader.ModelpackError): Omit<Failure, keyof Common> {
  if (error instanceof known) {
    const { code, name, message, status, url, chunk, retryable, hint } = error;
    return { code, name, message, status, url, chunk, retryable, hint };
  }
  const nothing = { status: undefined, url: undefined, chunk: undefined, retryable: false, hint: undefined };
  if (error === "hang")
    return { code: "HANG", name: "", message: `nothing after ${DEADLINE_MS} ms`, ...nothing };
  const { name = "", message = String(error) } = error as Partial<Error>;
  return { code: "NOT_OURS", name, message, ...nothing };
}

async function run(
  model: Loader.LoadedModel | undefined,
  feeds: PlainFeeds | undefined,
  options?: Loader.RunOptions,
): Promise<readonly number[]> {
  return model && feeds ? first(await model.run(tensors(feeds), options)) : [];
}

function first(outputs: Loader.Outputs): number[] {
  const [output] = Object.values(outputs);
  return output ? Array.from(output.data as ArrayLike<number>) : [];
}

function tensors(feeds: PlainFeeds): Loader.Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      { type, data: array(type, data), dims },
    ]),
  );
}

function array(type: string, data: readonly number[]): Loader.TensorData {
  if (type === "int64") return BigInt64Array.from(data, BigInt);
  return type === "int32" ? Int32Array.from(data) : Float32Array.from(data);
}

function reference({ ref }: Attempt): Loader.ModelReference {
  return { manifestUrl: "/models/manifest.json", model: "digits", ...ref };
}

/** Short delays, and onnxruntime-web from this site. */
function withDefaults({ options }: Attempt): Loader.LoadOptions {
  return {
    retryDelayMs: 5,
    stallTimeoutMs: 1500,
    ...options,
    runtime: { moduleUrl: moduleUrl(), ...options?.runtime },
  };
}

function moduleUrl(): string {
  return new URL("/ort/ort.wasm.min.mjs", location.href).href;
}

function abortedAfter(delayMs: number): AbortSignal {
  const controller = new AbortController();
  if (delayMs === 0) controller.abort();
  else setTimeout(() => controller.abort(), delayMs);
  return controller.signal;
}
