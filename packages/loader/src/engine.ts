/**
 * What runs a session, in whatever thread: the worker's end and the page's end speak in these requests.
 * 1. Requests are answered one after the other, in order. 2. State that is carried never leaves the engine.
 */
import { abortable, throwIfAborted } from "./abort.ts";
import { ModelpackError, messageOf } from "./errors.ts";
import { checkFeeds, zeros } from "./feeds.ts";
import type { Model } from "./manifest.ts";
import {
  createSession,
  importRuntime,
  type PackedRuntime,
  runSession,
  startRuntime,
  wasmAddresses,
} from "./runtime.ts";
import { mapTensors, plain } from "./tensors.ts";
import type {
  Feeds,
  OrtModule,
  OrtSession,
  Outputs,
  RuntimeOptions,
  SessionOptions,
  TensorLike,
} from "./types.ts";

export type EngineRequest =
  | { readonly kind: "attach" }
  | { readonly kind: "prepare"; readonly device: string; readonly runtime: RuntimeOptions }
  | {
      readonly kind: "start";
      readonly device: string;
      readonly runtime: RuntimeOptions;
      readonly compiled?: Compiled | undefined;
      readonly packed?: PackedRuntime | undefined;
    }
  | {
      readonly kind: "create";
      readonly model: Uint8Array;
      readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
      readonly sessionOptions: SessionOptions;
      readonly inputs: Model["inputs"];
      readonly state: Model["state"];
      /** Run it once on zeros: some kernels are refused only then. */
      readonly mustRehearse: boolean;
    }
  | ({ readonly kind: "rehearse" } & Rehearsal)
  | { readonly kind: "run"; readonly feeds: Feeds; readonly stream?: StreamStep | undefined }
  | { readonly kind: "forget"; readonly stream: number }
  | { readonly kind: "release" };

/** A session as one will be created, of zeros: what it compiles is compiled when the weights are there. */
export interface Rehearsal {
  readonly model: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly sizeBytes: number }[];
  readonly sessionOptions: SessionOptions;
  readonly inputs: Model["inputs"];
}

/** A wasm file that another thread has compiled. Only a worker takes it: it would be the page's runtime, too. */
export interface Compiled {
  readonly url: string;
  readonly module: WebAssembly.Module;
}

/** One call of a stream: its number, and the state to begin with; zeros where there is none. */
export interface StreamStep {
  readonly id: number;
  readonly initial: Feeds | undefined;
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: readonly Transferable[] | undefined;
}

export interface Engine {
  /** Whether it has a thread of its own, as seen from the page. */
  readonly isRemote?: boolean;
  /** The outputs of a run; `live` of an attachment to a session that is there; of a start the `version`, and the address of the `wasm` or that it is `packed`; empty for other requests. */
  ask(request: EngineRequest, options?: AskOptions): Promise<Outputs>;
  /** Ends it at once, whatever it is doing. */
  close(): void;
}

interface Live {
  readonly session: OrtSession;
  readonly inputs: Model["inputs"];
  readonly state: Model["state"];
}

/** An engine in this thread, with the given onnxruntime or else onnxruntime-web. */
export function createEngine(given?: OrtModule): Engine {
  let tail: Promise<unknown> = Promise.resolve();
  let ort = given;
  let live: Live | undefined;
  let isClosed = false;
  const carried = new Map<number, Feeds>(); // stream → its state

  const end = async (): Promise<void> => {
    const ended = live;
    live = undefined;
    carried.clear();
    await ended?.session.release();
  };
  const answer = async (request: EngineRequest): Promise<Outputs> => {
    switch (request.kind) {
      case "prepare":
        ort ??= await importRuntime(request.device, request.runtime);
        break;
      case "start":
        ort ??= await importRuntime(request.device, request.runtime);
        return started(ort, await startRuntime(ort, request));
      case "create": {
        const { model, externalData, sessionOptions, inputs, state } = request;
        await end();
        const session = await createSession(ort as OrtModule, model, { ...sessionOptions, externalData });
        live = { session, inputs, state };
        if (isClosed)
          await end(); // nobody waited for it
        else if (request.mustRehearse) await rehearse(ort as OrtModule, live);
        break;
      }
      case "rehearse":
        await rehearseOnZeros(ort as OrtModule, request);
        break;
      case "run":
        if (!live) throw new ModelpackError("USAGE", "the model has been released");
        return run(ort as OrtModule, live, request, carried);
      case "forget":
        carried.delete(request.stream);
        break;
      case "release":
        await end();
    }
    return {};
  };
  return {
    ask: (request, { signal } = {}) => {
      const answered = tail.then(() => {
        throwIfAborted(signal); // before its turn, a request can be dropped
        return answer(request);
      });
      tail = answered.catch(() => undefined);
      return abortable(answered, signal);
    },
    close: () => {
      isClosed = true;
      void end().catch(() => undefined);
    },
  };
}

/** Where the wasm came from, and whether from the `pack`. */
function started({ env }: OrtModule, isPacked: boolean): Outputs {
  const text = (data: readonly string[]): TensorLike => ({ type: "string", data, dims: [data.length] });
  const version = text([env.versions?.web ?? "an unknown version"]);
  return isPacked ? { version, packed: text([]) } : { version, wasm: text(wasmAddresses()) };
}

/** Throws SESSION_CREATE if the session was created and cannot run. Open sizes other than a batch are not guessed. */
async function rehearse(ort: OrtModule, { session, inputs }: Live): Promise<void> {
  const single = inputs.map((value) => ({ ...value, shape: [1, ...value.shape.slice(1)] }));
  const isOpen = inputs.some(({ shape }) => shape.slice(1).some((size) => typeof size === "string"));
  if (isOpen || inputs.some(({ type }) => type === "string")) return;
  const fixed = inputs.map((value, position) =>
    typeof value.shape[0] === "string" ? single[position] : value,
  );
  try {
    await runSession(session, tensors(ort, zeros(fixed as Model["inputs"])));
  } catch (cause) {
    throw new ModelpackError("SESSION_CREATE", `the session does not run: ${messageOf(cause)}`, { cause });
  }
}

// For sizes that are open: enough for what runs over a sequence.
const OPEN_SIZE = 8;

/** Throws only what the runtime may not have survived. */
async function rehearseOnZeros(
  ort: OrtModule,
  { model, externalData, sessionOptions, inputs }: Rehearsal,
): Promise<void> {
  let session: OrtSession | undefined;
  try {
    const data = externalData.map(({ path, sizeBytes }) => ({ path, data: new Uint8Array(sizeBytes) }));
    session = await createSession(ort, model, { ...sessionOptions, externalData: data });
    const closed = inputs.map((value) => ({
      ...value,
      shape: value.shape.map((size, axis) => (typeof size === "number" ? size : axis ? OPEN_SIZE : 1)),
    }));
    await runSession(session, tensors(ort, zeros(closed)));
  } catch (error) {
    const { code, cause } = error as ModelpackError;
    if (code === "OUT_OF_MEMORY" || cause instanceof WebAssembly.RuntimeError) throw error;
  } finally {
    await session?.release();
  }
}

async function run(
  ort: OrtModule,
  { session, inputs, state }: Live,
  { feeds, stream }: { readonly feeds: Feeds; readonly stream?: StreamStep | undefined },
  carried: Map<number, Feeds>,
): Promise<Outputs> {
  const isCarried = (name: string): boolean => state.some(({ input }) => input === name);
  let known: Feeds = {};
  if (stream) {
    const initial = inputs.filter(({ name }) => isCarried(name));
    known = carried.get(stream.id) ?? stream.initial ?? zeros(initial);
    checkFeeds(known, initial);
  }
  checkFeeds(feeds, stream ? inputs.filter(({ name }) => !isCarried(name)) : inputs);
  const outputs = { ...(await runSession(session, tensors(ort, { ...feeds, ...known }))) };
  if (stream) {
    const next: Record<string, TensorLike> = {};
    for (const { input, output } of state) {
      next[input] = outputs[output] as TensorLike;
      delete outputs[output];
    }
    carried.set(stream.id, next);
  }
  return plain(outputs);
}

/** As onnxruntime has them. Throws USAGE where the data does not fit its type or its shape. */
function tensors(ort: OrtModule, feeds: Feeds): Feeds {
  try {
    return mapTensors(feeds, ({ type, data, dims }) => new ort.Tensor(type as never, data as never, dims));
  } catch (cause) {
    throw new ModelpackError("USAGE", messageOf(cause), { cause });
  }
}
