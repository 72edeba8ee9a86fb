/** A loaded model as callers hold it. */
import { throwIfAborted } from "./abort.ts";
import type { Engine, StreamStep } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { ModelpackError, messageOf } from "./errors.ts";
import { fetchFiles } from "./files.ts";
import type { Variant } from "./manifest.ts";
import { measurePhase } from "./phases.ts";
import { metadataOf, type Planned, summarize } from "./plan.ts";
import { progressMeter } from "./progress.ts";
import type { ResultCache } from "./results.ts";
import { memoryOf, plain } from "./tensors.ts";
import type { Feeds, LoadedModel, ModelStream, Outputs, RunOptions } from "./types.ts";

export interface Running {
  readonly planned: Planned;
  readonly variant: Variant;
  readonly engine: Engine;
  readonly environment: Environment;
  readonly steppedDown: LoadedModel["steppedDown"];
}

/** The model over its engine. */
export function loadedModel({ planned, variant, engine, environment, steppedDown }: Running): LoadedModel {
  const { inputs, outputs } = metadataOf(planned.model, variant);
  const { state } = planned.model;
  let results: ResultCache | undefined;
  let lastStream = 0;
  let released: Promise<void> | undefined;

  const ask = async (feeds: Feeds, options: RunOptions, step?: StreamStep): Promise<Outputs> => {
    if (released) throw new ModelpackError("USAGE", "the model has been released");
    const measure = measurePhase(environment.scope.performance, "run");
    try {
      const memory = options.transfer ? Object.values(feeds).flatMap(memoryOf) : [];
      const transfer = [...new Set(memory)]; // inputs may share it
      const request = { kind: "run", feeds: plain(feeds), stream: step } as const;
      const found = await engine.ask(request, { signal: options.signal, transfer });
      measure();
      return found;
    } catch (cause) {
      if (cause instanceof ModelpackError) throw cause;
      throw new ModelpackError("USAGE", `the inputs cannot be used: ${messageOf(cause)}`, { cause });
    }
  };
  const run = async (feeds: Feeds, options: RunOptions = {}): Promise<Outputs> => {
    throwIfAborted(options.signal);
    if (!options.cached || !environment.hasher || released) return ask(feeds, options);
    const { inputKey, resultCache } = await import("./results.ts");
    results ??= resultCache();
    const key = await inputKey(variant.digest, feeds, environment.hasher);
    const known = results.get(key);
    if (known) return known;
    const found = await ask(feeds, options);
    results.set(key, found);
    return found;
  };
  const stream = (initialState?: Feeds): ModelStream => {
    if (!state.length) throw new ModelpackError("USAGE", "this model carries no state", { hint: "call run" });
    const initial = initialState && plain(initialState);
    lastStream += 1;
    let id = lastStream;
    return {
      run: (feeds, options = {}) => ask(feeds, options, { id, initial }),
      reset: () => {
        void engine.ask({ kind: "forget", stream: id }).catch(() => undefined);
        lastStream += 1;
        id = lastStream;
      },
    };
  };
  const release = (): Promise<void> => {
    released ??= engine.ask({ kind: "release" }).then(engine.close, engine.close);
    return released;
  };
  const model: LoadedModel = {
    model: planned.reference.model,
    variant: summarize(variant),
    device: variant.device,
    inputMetadata: inputs,
    outputMetadata: outputs,
    steppedDown,
    run,
    stream,
    release,
    asset: (name, { signal } = {}) => fetchAsset(name, planned, { ...environment, signal }),
    // Without the symbol (Safari) there is no `await using` either.
    [Symbol.asyncDispose ?? "dispose"]: release,
  };
  return model;
}

async function fetchAsset(name: string, planned: Planned, environment: Environment): Promise<Uint8Array> {
  const id = planned.model.assets.get(name);
  if (id === undefined) {
    const hint = `it has ${[...planned.model.assets.keys()].join(", ") || "none"}`;
    throw new ModelpackError("USAGE", `${planned.reference.model} has no asset "${name}"`, { hint });
  }
  const [bytes] = await fetchFiles([id], planned, environment, progressMeter(undefined, environment.now));
  return bytes as Uint8Array;
}
