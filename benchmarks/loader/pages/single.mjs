import * as ort from "onnxruntime-web/wasm";
import { IDS, NAMES, report, values } from "./report.mjs";

report(async () => {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create("/models/minilm/onnx/model_quantized.onnx", {
    executionProviders: ["wasm"],
  });
  const feeds = NAMES.map((name) => [name, new ort.Tensor("int64", values(name), [1, IDS.length])]);
  const outputs = await session.run(Object.fromEntries(feeds));
  return outputs.sentence_embedding.data[0];
});
