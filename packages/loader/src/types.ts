/// <reference lib="esnext.disposable" preserve="true" />
/** What callers give and get. */
import type { ModelpackError } from "./errors.ts";
import type { ValueMetadata } from "./manifest.ts";
import type { ModelStore } from "./store.ts";
import type {
  AssetOf,
  FeedsOf,
  OutputsOf,
  StateOf,
  StreamFeedsOf,
  StreamOutputsOf,
  VariantOf,
} from "./typed.ts";

/** A model of a manifest; with `sha256`, the manifest must have exactly these bytes. */
export interface ModelReference<Types = unknown> {
  readonly manifestUrl: string;
  readonly sha256?: string | undefined;
  readonly model: string;
  /** Never there: a bundler plugin's references carry the types of their model in it. */
  readonly types?: Types;
}

/** A reference, or `manifest.json#model`. */
export type ModelRef<Types = unknown> = ModelReference<Types> | string;

/** What a device offers. What is undefined is unknown, and unknown facts count as satisfied, WebGPU and WebNN excepted. */
export interface DeviceFacts {
  readonly webgpu?: WebgpuFacts | undefined;
  /** Whether it has WebNN. */
  readonly webnn?: boolean | undefined;
  readonly wasm?: readonly string[] | undefined;
  readonly deviceMemoryGB?: number | undefined;
  readonly storageBytes?: number | undefined;
  /** The visitor asked for less traffic. */
  readonly saveData?: boolean | undefined;
}

export interface WebgpuFacts {
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** A tensor as onnxruntime has it; an `ort.Tensor` on the CPU is one. */
export interface TensorLike {
  readonly type: string;
  readonly data: TensorData;
  readonly dims: readonly number[];
}

export type TensorData =
  | (ArrayBufferView & ArrayLike<number>) // Float16Array, where there is one
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[];

export type Feeds = Readonly<Record<string, TensorLike>>;
export type Outputs = Readonly<Record<string, TensorLike>>;

export type Phase = "manifest" | "runtime" | "download" | "session" | "done";

/** One honest number from 0 to 1 that never falls, and what it is made of. */
export interface Progress {
  readonly fraction: number;
  readonly phase: Phase;
  /** Bytes of verified chunks that came over the network, as the host sends them. */
  readonly transferredBytes: number;
  /** Bytes of chunks that were there already. */
  readonly cachedBytes: number;
  /** Bytes that this load takes from the network in all. */
  readonly totalTransferBytes: number;
  readonly bytesPerSecond: number;
  /** Undefined until something has been transferred. */
  readonly secondsLeft: number | undefined;
}

export interface RuntimeOptions {
  /** Where onnxruntime-web's `.wasm` and `.mjs` are; by default where the bundler put them. */
  readonly wasmPaths?: string | Readonly<{ mjs?: string; wasm?: string }> | undefined;
  /** Default 1; more need a page that is cross-origin isolated. */
  readonly numThreads?: number | undefined;
  /** The address of an onnxruntime-web module, for pages without a bundler. */
  readonly moduleUrl?: string | undefined;
}

/** What a Worker must offer, so that tests and other hosts can give their own. */
export interface WorkerLike {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(
    type: "message" | "error" | "messageerror",
    listener: (event: { readonly data?: unknown; readonly message?: string }) => void,
  ): void;
  terminate(): void;
}

export interface SessionOptions {
  readonly executionProviders?: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly [option: string]: unknown;
}

/** The part of onnxruntime-web (or onnxruntime-node) that is used. */
export interface OrtModule {
  readonly env: {
    readonly wasm?: { numThreads?: number; wasmPaths?: unknown; wasmBinary?: unknown };
    readonly versions?: { readonly web?: string | undefined };
  };
  readonly InferenceSession: {
    create(model: Uint8Array, options?: never): Promise<OrtSession>;
  };
  readonly Tensor: new (type: never, data: never, dims: readonly number[]) => TensorLike;
}

export interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: never): Promise<unknown>;
  release(): Promise<void>;
}

/** What is asked of a `fetch`. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

export type StoreChoice = "auto" | "cache-api" | "opfs" | "memory" | ModelStore;
export type Prefer = "cached" | "best" | "smallest";

export interface LoadOptions<Types = unknown> {
  /** "auto" follows the manifest's order; otherwise only variants for this device. */
  readonly device?: "auto" | "wasm" | "webgpu" | "webnn" | undefined;
  readonly dtype?: string | undefined;
  readonly variant?: VariantOf<Types> | undefined;
  /** Which of the variants that fit comes first. Default "cached": what is there already, then the manifest's order. */
  readonly prefer?: Prefer | undefined;
  /** Whether to step down to the next variant when a session cannot be created. Default true. */
  readonly fallback?: boolean | undefined;
  /** Variants that need more than this from the network are passed over. */
  readonly maxDownloadBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** What went wrong without stopping the load: a full disk, a step down. Default: console.warn. */
  readonly onWarning?: ((warning: ModelpackError) => void) | undefined;
  /** Merged over the manifest's session options. */
  readonly sessionOptions?: SessionOptions | undefined;
  /**
   * false runs the session in the calling thread; "shared" in a worker of all pages of the site, which outlives a reload
   * where the browser can do that; a function makes the worker. Default: a worker where there are workers.
   */
  readonly worker?: boolean | "shared" | (() => WorkerLike) | undefined;
  readonly runtime?: RuntimeOptions | undefined;
  /** An onnxruntime module to use in the calling thread; implies `worker: false`. */
  readonly ort?: OrtModule | undefined;
  readonly cache?: StoreChoice | undefined;
  /** "if-available" loads unverified bytes, and stores none, where there is no crypto.subtle. Default "required". */
  readonly integrity?: "required" | "if-available" | undefined;
  /** What a relative manifest URL is relative to. Default: the page. */
  readonly baseUrl?: string | undefined;
  /** Folders that hold the same chunks, tried after the manifest's own. */
  readonly mirrors?: readonly string[] | undefined;
  readonly fetch?: FetchLike | undefined;
  /** Chunks in flight. Default 6, or 2 where the visitor saves data. */
  readonly concurrency?: number | undefined;
  /** How often a chunk is tried. Default 3. */
  readonly retries?: number | undefined;
  /** Delay before the second try; doubled for each further one, and jittered. Default 300. */
  readonly retryDelayMs?: number | undefined;
  /** A request that delivers nothing for so long has failed. Default 30,000. */
  readonly stallTimeoutMs?: number | undefined;
  /** What the device offers. Default: what the browser says. */
  readonly facts?: DeviceFacts | undefined;
}

export interface VariantSummary {
  readonly id: string;
  readonly dtype: string;
  readonly device: string;
  readonly digest: string;
  readonly decodedBytes: number;
  /** What a first visit transfers for it. */
  readonly transferBytes: number;
}

/** What a load would do, before it downloads anything. */
export interface LoadPlan {
  readonly model: string;
  readonly variant: VariantSummary;
  readonly device: string;
  /** Why this variant. */
  readonly why: string;
  /** Bytes that must come over the network. */
  readonly transferBytes: number;
  /** Decoded bytes that are stored already. */
  readonly cachedBytes: number;
  /** Requests for chunks. */
  readonly requests: number;
  /** Whether what is missing fits the storage; undefined where the browser does not say. */
  readonly fitsStorage: boolean | undefined;
  /** The variants that a session failure would step down to. */
  readonly alternatives: readonly VariantSummary[];
  readonly rejected: readonly { readonly variant: VariantSummary; readonly why: string }[];
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  /** Answer from the results of earlier, equal inputs. */
  readonly cached?: boolean | undefined;
  /** Move the inputs' memory to the worker in place of copying it; they are empty afterwards. */
  readonly transfer?: boolean | undefined;
}

/** Calls that carry the model's state from one to the next, in the worker. */
export interface ModelStream<Types = unknown> {
  /** The outputs without the carried state. */
  run(feeds: StreamFeedsOf<Types>, options?: RunOptions): Promise<StreamOutputsOf<Types>>;
  /** Begins again from the initial state. */
  reset(): void;
}

/** A model that can be run. Release it when it is no longer needed. */
export interface LoadedModel<Types = unknown> extends AsyncDisposable {
  readonly model: string;
  readonly variant: VariantSummary;
  readonly device: string;
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  /** Variants that were tried before this one, and why they did not do. */
  readonly steppedDown: readonly { readonly variant: VariantSummary; readonly error: ModelpackError }[];
  run(feeds: FeedsOf<Types>, options?: RunOptions): Promise<OutputsOf<Types>>;
  /** Throws USAGE if the model has no state; its calls do where the state is of open size and no `initialState` was given. */
  stream(initialState?: StateOf<Types>): ModelStream<Types>;
  /** The verified bytes of an asset, such as a tokenizer. */
  asset(name: AssetOf<Types>, options?: { readonly signal?: AbortSignal | undefined }): Promise<Uint8Array>;
  release(): Promise<void>;
}

/** What a page needs to create its own session. */
export interface OrtInputs {
  readonly variant: VariantSummary;
  readonly device: string;
  readonly model: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Uint8Array }[];
  readonly sessionOptions: SessionOptions;
}
