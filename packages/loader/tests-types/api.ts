/** What must compile, and what must not; checked by tsc, never run. */
import { type LoadedModel, type LoadPlan, load, ModelpackError, modelCache, plan } from "../src/index.ts";

const model: LoadedModel = await load({ manifestUrl: "manifest.json", model: "digits" }, { device: "wasm" });
const outputs = await model.run({
  image: { type: "float32", data: new Float32Array(64), dims: [1, 1, 8, 8] },
});
export const logits: readonly number[] | undefined = outputs["logits"]?.dims;

// @ts-expect-error an output may be absent
outputs["logits"].dims;

// @ts-expect-error no such device
await load("manifest.json#digits", { device: "cuda" });

// @ts-expect-error an option that does not exist
await load("manifest.json#digits", { devcie: "wasm" });

// @ts-expect-error a tensor has dims
await model.run({ image: { type: "float32", data: new Float32Array(64) } });

const planned: LoadPlan = await plan("manifest.json#digits", {
  prefer: "smallest",
  signal: AbortSignal.timeout(1),
});
// @ts-expect-error a plan is not to be changed
planned.transferBytes = 0;

export const stored: number = await modelCache.size({ cache: "opfs" });

try {
  await using disposable = await load("manifest.json#digits");
  await disposable.stream().run({});
} catch (error) {
  if (error instanceof ModelpackError && error.code === "CHUNK_FETCH") throw error;
  // @ts-expect-error no such code
  if (error instanceof ModelpackError && error.code === "CHUNK_MISSING") throw error;
}
