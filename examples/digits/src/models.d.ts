// Written by modelpack from modelpack.toml; the next build replaces it.

declare module "modelpack:models" {
  /** A tensor that goes into a model or comes out: its element type, and its shape, in which a name is a free dimension. */
  export interface Value<Type extends string, Shape extends readonly (number | string)[]> {
    readonly type: Type;
    readonly shape: Shape;
  }

  /** Every published model, by its id. */
  export interface Models {
    readonly "digits": {
      readonly inputs: {
        readonly "image": Value<"float32", readonly ["batch", 1, 8, 8]>;
      };
      readonly outputs: {
        readonly "logits": Value<"float32", readonly ["batch", 10]>;
      };
      readonly state: readonly [];
      readonly assets: never;
      readonly variants: "fp16" | "q8" | "fp32";
    };
  }

  export type ModelId = keyof Models;
  export type VariantId<Id extends ModelId> = Models[Id]["variants"];
  export type AssetName<Id extends ModelId> = Models[Id]["assets"];

  /** What a bundler plugin gives for a model: the manifest that a page was built with. */
  export interface Reference<Id extends ModelId> {
    readonly manifestUrl: string;
    readonly sha256: string;
    readonly model: Id;
    /** Never there: by it, the loader's functions know the model's types. */
    readonly types?: Models[Id];
  }
}

declare module "modelpack:digits" {
  const reference: import("modelpack:models").Reference<"digits">;
  export default reference;
}
