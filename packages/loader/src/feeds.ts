/** What a model is fed, checked against what it takes: onnxruntime's own messages name neither input nor shape. */
import { ModelpackError } from "./errors.ts";
import type { ValueMetadata } from "./manifest.ts";
import type { Feeds, TensorData, TensorLike } from "./types.ts";

/** Throws USAGE unless `feeds` are exactly the `expected` inputs, each of its type and shape. */
export function checkFeeds(feeds: Feeds, expected: readonly ValueMetadata[]): void {
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

/** Zeros for each of `inputs`. Throws USAGE where a size is open. */
export function zeros(inputs: readonly ValueMetadata[]): Feeds {
  const entries = inputs.map(({ name, type, shape }): [string, TensorLike] => {
    const dims = shape.filter((size): size is number => typeof size === "number");
    const array = Object.hasOwn(ARRAYS, type) ? ARRAYS[type as keyof typeof ARRAYS] : undefined;
    if (dims.length < shape.length || !array) {
      const hint = "give stream() an initialState";
      throw new ModelpackError("USAGE", `the state "${name}" is ${type} [${shape}], of open size`, { hint });
    }
    const data: TensorData = new array(dims.reduce((product, size) => product * size, 1));
    return [name, { type, data, dims }];
  });
  return Object.fromEntries(entries);
}
