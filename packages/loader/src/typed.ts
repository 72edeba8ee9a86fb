/** What TypeScript knows of one model, from the types that `modelpack build` writes. Without them, anything goes. */
import type { Feeds, Outputs, TensorData } from "./types.ts";

/** An entry of the generated `Models`. */
export interface ModelTypes {
  readonly inputs: Readonly<Record<string, ValueTypes>>;
  readonly outputs: Readonly<Record<string, ValueTypes>>;
  readonly state: readonly { readonly input: string; readonly output: string }[];
  readonly assets: string;
  readonly variants: string;
}

export interface ValueTypes {
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

/** The inputs of a model whose types are `T`; of any model where `T` is unknown. */
export type FeedsOf<T> = T extends ModelTypes
  ? { readonly [Name in keyof T["inputs"]]: Fed<T["inputs"][Name]> }
  : Feeds;

/** Its outputs. */
export type OutputsOf<T> = T extends ModelTypes
  ? { readonly [Name in keyof T["outputs"]]: Given<T["outputs"][Name]> }
  : Outputs;

/** The inputs of a stream, which carries the others. */
export type StreamFeedsOf<T> = T extends ModelTypes ? Omit<FeedsOf<T>, T["state"][number]["input"]> : Feeds;

/** The outputs of a stream, which keeps the others. */
export type StreamOutputsOf<T> = T extends ModelTypes
  ? Omit<OutputsOf<T>, T["state"][number]["output"]>
  : Outputs;

/** The state that a stream begins with. */
export type StateOf<T> = T extends ModelTypes ? Pick<FeedsOf<T>, T["state"][number]["input"]> : Feeds;

export type AssetOf<T> = T extends ModelTypes ? T["assets"] : string;
export type VariantOf<T> = T extends ModelTypes ? T["variants"] : string;

/** A tensor that is written down has the model's shape; an `ort.Tensor` does not say which it has. */
type Fed<Value extends ValueTypes> = Typed<Value> & ({ readonly dims: DimsOf<Value["shape"]> } | OrtTensor);

interface OrtTensor {
  readonly dims: readonly number[];
  readonly location: string;
}

type Given<Value extends ValueTypes> = Typed<Value> & { readonly dims: DimsOf<Value["shape"]> };

interface Typed<Value extends ValueTypes> {
  readonly type: Value["type"];
  readonly data: DataOf<Value["type"]>;
}

/** A free dimension is any number. */
type DimsOf<Shape extends ValueTypes["shape"]> = {
  readonly [Axis in keyof Shape]: Shape[Axis] extends number ? Shape[Axis] : number;
};

interface DataTypes {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly int16: Int16Array;
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
  readonly uint32: Uint32Array;
  readonly int64: BigInt64Array;
  readonly uint64: BigUint64Array;
  readonly bool: Uint8Array;
  readonly string: readonly string[];
}

type DataOf<Type extends string> = Type extends keyof DataTypes ? DataTypes[Type] : TensorData;
