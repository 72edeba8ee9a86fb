/** What the generated types let compile, and what not; checked by tsc, never run. */

import digits from "modelpack:digits";
import type { ModelId, Models, VariantId } from "modelpack:models";
import { type LoadedModel, load, plan, preload } from "@modelpack/loader";
import { Tensor } from "onnxruntime-web/wasm";

const model: LoadedModel<Models["digits"]> = await load(digits, { variant: "q8" });
const data = new Float32Array(64);
const outputs = await model.run({ image: { type: "float32", data, dims: [1, 1, 8, 8] } });
const { logits } = outputs;

export const first: number | undefined = logits.data[0];
export const batch: number = logits.dims[0];
export const classes: 10 = logits.dims[1];
export const id: ModelId = digits.model;
export const variant: VariantId<"digits"> = "fp16";

// A tensor of onnxruntime's own is one, too.
await model.run({ image: new Tensor("float32", data, [1, 1, 8, 8]) });

// @ts-expect-error modelpack.toml has no such model
await import("modelpack:digit");
// @ts-expect-error the model has no such input
await model.run({ picture: { type: "float32", data, dims: [1, 1, 8, 8] } });
// @ts-expect-error an input is missing
await model.run({});
// @ts-expect-error the input is of another type
await model.run({ image: { type: "int64", data, dims: [1, 1, 8, 8] } });
// @ts-expect-error the data is of another type
await model.run({ image: { type: "float32", data: new BigInt64Array(64), dims: [1, 1, 8, 8] } });
// @ts-expect-error the input has four dimensions
await model.run({ image: { type: "float32", data, dims: [1, 64] } });
// @ts-expect-error the last two are 8
await model.run({ image: { type: "float32", data, dims: [1, 1, 28, 28] } });
// @ts-expect-error the model has no such output
outputs.probabilities;
// @ts-expect-error the output has two dimensions
logits.dims[2];
// @ts-expect-error the model has no such variant
await load(digits, { variant: "q4" });
// @ts-expect-error nor here
await plan(digits, { variant: "q4" });
// @ts-expect-error nor here
await preload(digits, { variant: "q4" });
// @ts-expect-error the model has no assets
await model.asset("tokenizer");
// @ts-expect-error no model has this name
export const unknown: Models["digit"] = undefined;

// Without types, anything goes.
const untyped: LoadedModel = await load("models/manifest.json#digits", { variant: "anything" });
(await untyped.run({ whatever: { type: "int8", data: new Int8Array(1), dims: [1] } }))["anything"];
