/** Loading the chosen variant and running it: the loader, its progress, and its errors, as a page meets them. */
import {
  type Feeds,
  type LoadedModel,
  type LoadOptions,
  load,
  ModelpackError,
  type Outputs,
  type Progress,
  plan,
} from "@modelpack/loader";
import { type Condition, conditioned } from "./conditions.ts";
import type { Choice } from "./models.ts";

export interface Pinned {
  readonly manifestUrl: string;
  readonly sha256: string;
}

export interface Watcher {
  readonly progress: (progress: Progress) => void;
  readonly warning: (text: string) => void;
}

export interface Loaded {
  readonly model: LoadedModel;
  readonly why: string;
  readonly tookMs: number;
}

/** The model, loaded under these conditions. Throws ModelpackError. */
export async function loadChoice(
  { model, variant }: Choice,
  pinned: Pinned,
  request: {
    readonly conditions: ReadonlySet<Condition>;
    readonly watcher: Watcher;
    readonly signal: AbortSignal;
  },
): Promise<Loaded> {
  const { conditions, watcher, signal } = request;
  const reference = { ...pinned, model };
  const chosen: LoadOptions = { ...conditioned(conditions), variant, signal };
  const planned = await plan(reference, chosen);
  const { device } = planned;
  const why = variant === undefined ? planned.why : "chosen here";
  const began = performance.now();
  const loaded = await load(reference, {
    ...chosen,
    onProgress: watcher.progress,
    onWarning: (warning) => watcher.warning(`${warning.code}: ${warning.message}`),
    runtime: { moduleUrl: runtimeUrl(device), wasmPaths: `${location.origin}/runtime/` },
  });
  return { model: loaded, why, tookMs: performance.now() - began };
}

/** The outputs of the last step, and the milliseconds of each. With a state, it is carried from step to step. */
export async function runSteps(
  model: LoadedModel,
  steps: readonly Feeds[],
  state: { readonly initial: Feeds } | undefined,
): Promise<{ readonly outputs: Outputs; readonly tookMs: readonly number[] }> {
  const callee = state ? model.stream(state.initial) : model;
  const tookMs: number[] = [];
  let outputs: Outputs = {};
  for (const feeds of steps) {
    const began = performance.now();
    outputs = await callee.run(feeds);
    tookMs.push(performance.now() - began);
  }
  return { outputs, tookMs };
}

/** An error as a person reads it: its code, what happened, what to do. */
export function errorText(reason: unknown): string {
  if (reason instanceof ModelpackError) return `${reason.code}: ${reason.message}`;
  return reason instanceof Error ? reason.message : String(reason);
}

function runtimeUrl(device: string): string {
  const build = device === "wasm" ? "ort.wasm.min.mjs" : "ort.webgpu.min.mjs";
  return `${location.origin}/runtime/${build}`;
}
