/**
 * What runs a session, in whatever thread: the worker's end and the page's end speak in these requests.
 * 1. Requests are answered one after the other, in order. 2. State that is carried never leaves the engine.
 */
import { throwIfAborted } from "./abort.ts";
import { type ErrorCode, ModelpackError, messageOf } from "./errors.ts";
import type { Model } from "./manifest.ts";
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
  | { readonly kind: "start"; readonly device: string; readonly runtime: RuntimeOptions }
  | {
      readonly kind: "create";
      readonly model: Uint8Array;
      readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
      readonly sessionOptions: SessionOptions;
      readonly state: Model["state"];
    }
  | { readonly kind: "run"; readonly feeds: Feeds; readonly stream?: StreamStep | undefined }
  | { readonly kind: "forget"; readonly stream: number }
  | { readonly kind: "release" };

/** One call of a stream: its number, and the state to begin with if it is not known yet. */
export interface StreamStep {
  readonly id: number;
  readonly initial: Feeds;
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: readonly Transferable[] | undefined;
}

export interface Engine {
  /** The outputs of a run; empty for other requests. */
  ask(request: EngineRequest, options?: AskOptions): Promise<Outputs>;
  /** Ends it at once, whatever it is doing. */
  close(): void;
}

// One Identity node: creating a session from it starts the runtime while the weights are still on their way.
const SMALLEST_MODEL =
  "CAc6NwoQCgFhEgFiIghJZGVudGl0eRIBZ1oPCgFhEgoKCAgBEgQKAggBYg8KAWISCgoICAESBAoCCAFCBAoAEA0=";

/** An engine in this thread, with the given onnxruntime or else onnxruntime-web. */
export function createEngine(given?: OrtModule): Engine {
  let tail: Promise<unknown> = Promise.resolve();
  let ort: OrtModule | undefined = given;
  let session: OrtSession | undefined;
  let state: Model["state"] = [];
  const carried = new Map<number, Record<string, TensorLike>>();

  const answer = async (request: EngineRequest): Promise<Outputs> => {
    switch (request.kind) {
      case "start":
        ort ??= await importRuntime(request.device, request.runtime);
        await start(ort, request);
        return {};
      case "create": {
        if (!ort) throw new ModelpackError("USAGE", "create before start");
        await session?.release();
        const { model, externalData, sessionOptions } = request;
        session = await createSession(ort, model, { ...sessionOptions, externalData });
        state = request.state;
        return {};
      }
      case "run":
        if (!ort || !session) throw new ModelpackError("USAGE", "the model has been released");
        return run(ort, session, request, state, carried);
      case "forget":
        carried.delete(request.stream);
        return {};
      case "release":
        await session?.release();
        session = undefined;
        carried.clear();
        return {};
    }
  };
  return {
    ask: (request, { signal } = {}) => {
      const answered = tail.then(() => {
        throwIfAborted(signal); // before its turn, a request can be dropped
        return answer(request);
      });
      tail = answered.catch(() => undefined);
      return answered;
    },
    close: () => void session?.release().catch(() => undefined),
  };
}

async function importRuntime(device: string, { moduleUrl }: RuntimeOptions): Promise<OrtModule> {
  try {
    // Plain wasm starts twice as fast as the WebGPU build and is half its size.
    const module: unknown = moduleUrl
      ? await import(/* @vite-ignore */ /* webpackIgnore: true */ moduleUrl)
      : device === "webgpu"
        ? await import("onnxruntime-web/webgpu")
        : await import("onnxruntime-web/wasm");
    return module as OrtModule;
  } catch (cause) {
    throw runtimeError(
      cause,
      "check that onnxruntime-web is installed and that the page may load its module",
    );
  }
}

async function start(
  ort: OrtModule,
  { device, runtime }: { device: string; runtime: RuntimeOptions },
): Promise<void> {
  const { wasm } = ort.env;
  if (wasm) {
    // More threads inside a bundled worker hang silently, so they are asked for.
    wasm.numThreads = runtime.numThreads ?? 1;
    if (runtime.wasmPaths) wasm.wasmPaths = runtime.wasmPaths;
  }
  try {
    const model = Uint8Array.from(atob(SMALLEST_MODEL), (character) => character.charCodeAt(0));
    const options = { executionProviders: [device] };
    await (await ort.InferenceSession.create(model, options as never)).release();
  } catch (cause) {
    const hint = "check that its .wasm is served, and that the CSP has script-src 'self' 'wasm-unsafe-eval'";
    throw runtimeError(cause, hint);
  }
}

function runtimeError(cause: unknown, hint: string): ModelpackError {
  return new ModelpackError("RUNTIME_INIT", `onnxruntime did not start: ${messageOf(cause)}`, {
    cause,
    hint,
  });
}

async function createSession(ort: OrtModule, model: Uint8Array, options: object): Promise<OrtSession> {
  try {
    return await ort.InferenceSession.create(model, options as never);
  } catch (cause) {
    throw ortError(cause, "SESSION_CREATE", "the session was not created");
  }
}

function ortError(cause: unknown, code: ErrorCode, what: string): ModelpackError {
  const isMemory = /memory|alloc/i.test(messageOf(cause));
  return new ModelpackError(isMemory ? "OUT_OF_MEMORY" : code, `${what}: ${messageOf(cause)}`, { cause });
}

async function run(
  ort: OrtModule,
  session: OrtSession,
  { feeds, stream }: { readonly feeds: Feeds; readonly stream?: StreamStep | undefined },
  state: Model["state"],
  carried: Map<number, Record<string, TensorLike>>,
): Promise<Outputs> {
  const known = stream && (carried.get(stream.id) ?? tensors(ort, stream.initial));
  let raw: Record<string, TensorLike>;
  try {
    raw = {
      ...((await session.run({ ...tensors(ort, feeds), ...known } as never)) as Record<string, TensorLike>),
    };
  } catch (cause) {
    throw ortError(cause, "RUN", "the model did not run");
  }
  if (stream) {
    const next: Record<string, TensorLike> = {};
    for (const { input, output } of state) {
      if (raw[output]) next[input] = raw[output];
      delete raw[output];
    }
    carried.set(stream.id, next);
  }
  return Object.fromEntries(
    Object.entries(raw).map(([name, { type, data, dims }]) => [name, { type, data, dims: [...dims] }]),
  );
}

function tensors(ort: OrtModule, feeds: Feeds): Record<string, TensorLike> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type as never, data as never, dims),
    ]),
  );
}
