export { type ErrorCode, type ErrorFacts, ModelpackError } from "./errors.ts";
export { load, ortInputs, preload } from "./load.ts";
export type { ValueMetadata } from "./manifest.ts";
export { type ModelCache, modelCache, type Verification } from "./model-cache.ts";
export { plan } from "./plan.ts";
export type { ModelStore, StoredEntry } from "./store.ts";
export type { FeedsOf, ModelTypes, OutputsOf, ValueTypes } from "./typed.ts";
export type {
  DeviceFacts,
  Feeds,
  FetchLike,
  LoadedModel,
  LoadOptions,
  LoadPlan,
  ModelRef,
  ModelReference,
  ModelStream,
  OrtInputs,
  OrtModule,
  OrtSession,
  Outputs,
  Phase,
  Prefer,
  Progress,
  RunOptions,
  RuntimeOptions,
  SessionOptions,
  StoreChoice,
  TensorData,
  TensorLike,
  VariantSummary,
  WebgpuFacts,
  WorkerLike,
} from "./types.ts";
