/** Tensors that are fed: from golden samples as JSON, or made up to fit what the model declares. */
import type { Feeds, TensorData, TensorLike } from "@modelpack/loader";
import type { Value } from "./server.ts";

export interface JsonTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: readonly (number | boolean)[];
}

export interface Sample {
  readonly name: string;
  readonly steps: readonly Readonly<Record<string, JsonTensor>>[];
}

type Numbers = { from(values: ArrayLike<number>): TensorData };

const HALF = (globalThis as { readonly Float16Array?: Numbers }).Float16Array;
const NUMBERS: Readonly<Record<string, Numbers | undefined>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: HALF,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
};

/** A tensor of that type. Throws where this browser has no array for it. */
export function tensor(
  type: string,
  dims: readonly number[],
  values: ArrayLike<number | boolean>,
): TensorLike {
  return { type, dims, data: numbers(type, Array.from(values, Number)) };
}

/** The feeds of one step of a sample. */
export function sampleFeeds(step: Readonly<Record<string, JsonTensor>>): Feeds {
  return Object.fromEntries(
    Object.entries(step).map(([name, { type, dims, data }]) => [name, tensor(type, dims, data)]),
  );
}

/** Inputs that fit: dimensions as given by name, 1 where nothing is; floats from -1 to 1, whole numbers 0 and 1. */
export function generatedFeeds(
  inputs: readonly Value[],
  dimensions: Readonly<Record<string, number>>,
  random: () => number,
): Feeds {
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => {
      const dims = shape.map((size) => (typeof size === "number" ? size : (dimensions[size] ?? 1)));
      const length = dims.reduce((product, size) => product * size, 1);
      const isFloat = type.startsWith("float");
      const values = Array.from({ length }, () => (isFloat ? 2 * random() - 1 : Math.round(random())));
      return [name, tensor(type, dims, values)];
    }),
  );
}

/** Zeros for these inputs, with which a state begins; a size that nobody gave is 0, as of a past that is still empty. */
export function zeroFeeds(inputs: readonly Value[], dimensions: Readonly<Record<string, number>>): Feeds {
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => {
      const dims = shape.map((size) => (typeof size === "number" ? size : (dimensions[size] ?? 0)));
      const length = dims.reduce((product, size) => product * size, 1);
      return [name, tensor(type, dims, new Array<number>(length).fill(0))];
    }),
  );
}

/** The sizes that feeds give to the named dimensions of their inputs. */
export function boundDimensions(inputs: readonly Value[], feeds: Feeds): Readonly<Record<string, number>> {
  const pairs = inputs.flatMap(({ name, shape }) =>
    shape.flatMap((size, axis) => {
      const found = feeds[name]?.dims[axis];
      return typeof size === "string" && found !== undefined ? [[size, found] as const] : [];
    }),
  );
  return Object.fromEntries(pairs);
}

/** The names of dimensions that can be chosen. */
export function freeDimensions(inputs: readonly Value[]): readonly string[] {
  const names = inputs.flatMap(({ shape }) =>
    shape.filter((size) => typeof size === "string" && size !== ""),
  );
  return [...new Set(names as string[])];
}

function numbers(type: string, values: readonly number[]): TensorData {
  if (type === "int64") return BigInt64Array.from(values, BigInt);
  if (type === "uint64") return BigUint64Array.from(values, BigInt);
  const array = NUMBERS[type];
  if (!array) throw new Error(`this browser has no array for ${type}`);
  return array.from(values);
}
