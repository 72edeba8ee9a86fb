/** A loaded model as callers hold it. */
import { throwIfAborted } from "./abort.ts";
import type { Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import { fetchFiles } from "./files.ts";
import type { Model, ValueMetadata, Variant } from "./manifest.ts";
import { measurePhase } from "./phases.ts";
import { metadataOf, type Planned, summarize } from "./plan.ts";
import { progressMeter } from "./progress.ts";
import { inputKey, resultCache } from "./results.ts";
import { memoryOf } from "./serve.ts";
import type {
  Feeds,
  LoadedModel,
  ModelStream,
  Outputs,
  RunOptions,
  TensorData,
  TensorLike,
} from "./types.ts";

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
  const results = resultCache();
  const carriedNames = new Set(state.map((pair) => pair.input));
  let lastStream = 0;
  let released: Promise<void> | undefined;

  const ask = async (
    feeds: Feeds,
    options: RunOptions,
    initial?: { readonly id: number; readonly initial: Feeds },
  ): Promise<Outputs> => {
    if (released) throw new ModelpackError("USAGE", "the model has been released");
    checkFeeds(feeds, inputs, initial ? carriedNames : new Set());
    const measure = measurePhase(environment.scope.performance, "run");
    const transfer = options.transfer ? Object.values(feeds).flatMap(memoryOf) : [];
    const found = await engine.ask(
      { kind: "run", feeds: plain(feeds), stream: initial },
      { signal: options.signal, transfer },
    );
    measure();
    return found;
  };
  const run = async (feeds: Feeds, options: RunOptions = {}): Promise<Outputs> => {
    throwIfAborted(options.signal);
    if (!options.cached || !environment.hasher || released) return ask(feeds, options);
    const key = await inputKey(variant.digest, feeds, environment.hasher);
    const known = results.get(key);
    if (known) return known;
    const found = await ask(feeds, options);
    results.set(key, found);
    return found;
  };
  const stream = (initialState?: Feeds): ModelStream => {
    const initial = initialState ?? zeroState(state, inputs);
    checkFeeds(
      initial,
      inputs.filter((value) => carriedNames.has(value.name)),
      new Set(),
    );
    lastStream += 1;
    let id = lastStream;
    return {
      run: (feeds, options = {}) => ask(feeds, options, { id, initial: plain(initial) }),
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

/** Only what the engine needs: an `ort.Tensor` has methods, which cannot be sent. */
function plain(feeds: Feeds): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, data, dims }]) => [name, { type, data, dims: [...dims] }]),
  );
}

function checkFeeds(feeds: Feeds, inputs: readonly ValueMetadata[], carried: ReadonlySet<string>): void {
  const expected = inputs.filter(({ name }) => !carried.has(name));
  const missing = expected.find(({ name }) => !Object.hasOwn(feeds, name));
  if (missing) throw new ModelpackError("USAGE", `the input "${missing.name}" is missing`);
  for (const [name, tensor] of Object.entries(feeds)) {
    const input = expected.find((value) => value.name === name);
    if (!input)
      throw new ModelpackError("USAGE", `"${name}" is no input`, { hint: `inputs are ${names(expected)}` });
    const fits =
      input.shape.length === tensor.dims.length &&
      input.shape.every((size, axis) => typeof size === "string" || size === tensor.dims[axis]);
    if (input.type !== tensor.type || !fits) {
      const found = `${tensor.type} [${tensor.dims}]`;
      throw new ModelpackError("USAGE", `"${name}" is ${found}; expected ${input.type} [${input.shape}]`);
    }
  }
}

function names(values: readonly ValueMetadata[]): string {
  return values.map(({ name }) => name).join(", ");
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

/** Zeros for each carried input. Throws USAGE where there is none, or where a size is open. */
function zeroState(state: Model["state"], inputs: readonly ValueMetadata[]): Feeds {
  if (!state.length) throw new ModelpackError("USAGE", "this model carries no state", { hint: "call run" });
  const entries = state.map(({ input }): [string, TensorLike] => {
    const { type, shape } = inputs.find(({ name }) => name === input) as ValueMetadata;
    const dims = shape.filter((size): size is number => typeof size === "number");
    const array = Object.hasOwn(ARRAYS, type) ? ARRAYS[type as keyof typeof ARRAYS] : undefined;
    if (dims.length < shape.length || !array) {
      const hint = "give stream() an initialState";
      throw new ModelpackError("USAGE", `the state "${input}" is ${type} [${shape}], of open size`, { hint });
    }
    const data: TensorData = new array(dims.reduce((product, size) => product * size, 1));
    return [input, { type, data, dims }];
  });
  return Object.fromEntries(entries);
}
