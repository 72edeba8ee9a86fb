import { AutoModel, env, Tensor } from "@huggingface/transformers";
import { IDS, NAMES, report, values } from "./report.mjs";

report(async () => {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = "/models/";
  env.backends.onnx.wasm.wasmPaths = globalThis.given.wasmPaths;
  env.backends.onnx.wasm.numThreads = 1;
  const model = await AutoModel.from_pretrained("minilm", { dtype: "q8", device: "wasm" });
  const feeds = NAMES.map((name) => [name, new Tensor("int64", values(name), [1, IDS.length])]);
  const outputs = await model(Object.fromEntries(feeds));
  return outputs.sentence_embedding.data[0];
});
