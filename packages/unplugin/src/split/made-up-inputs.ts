/** Inputs for a model of which only names, types and shapes are known. */

export interface Value {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface Tensor {
  readonly type: string;
  readonly data: ArrayLike<number | bigint>;
  readonly dims: readonly number[];
}

type Arrays = Readonly<Record<string, { from(values: number[]): Tensor["data"] }>>;

const ARRAYS: Arrays = {
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
  int64: { from: (values) => BigInt64Array.from(values.map(BigInt)) },
  uint64: { from: (values) => BigUint64Array.from(values.map(BigInt)) },
};

/**
 * A tensor for each of `inputs`, with `size` in place of open axes; undefined where one is text. The first axis is the batch:
 * it is 1, as is what is open of the inputs in `state`, such as the length of a past. Axes of one name have one size, and
 * sums of names, as exporters write them, its sum. Integers and truths are 1, or 0 where `size` is 1.
 */
export function madeUpInputs(
  inputs: readonly Value[],
  state: ReadonlySet<string>,
  size: number,
): Readonly<Record<string, Tensor>> | undefined {
  const isOne = new Set(inputs.flatMap(({ name, shape }) => (state.has(name) ? shape : [])));
  const termSize = (term: string): number => {
    const given = Number(term || Number.NaN);
    return Number.isNaN(given) ? (isOne.has(term) && term ? 1 : size) : given;
  };
  const feeds: Record<string, Tensor> = {};
  for (const { name, type, shape } of inputs) {
    const dims = shape.map((axis, position) => {
      if (typeof axis === "number") return axis;
      if (position === 0 || state.has(name)) return 1;
      return axis.split("+").reduce((sum, term) => sum + termSize(term.trim()), 0);
    });
    const length = dims.reduce((product, axis) => product * axis, 1);
    const isFloat = type.startsWith("float");
    const values = Array.from({ length }, (_, index) => (isFloat ? (index % 7) / 7 : size > 1 ? 1 : 0));
    const data = ARRAYS[type]?.from(values);
    if (!data) return undefined;
    feeds[name] = { type, data, dims };
  }
  return feeds;
}
