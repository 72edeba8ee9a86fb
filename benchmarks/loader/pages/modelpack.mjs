import { load } from "@modelpack/loader";
import { IDS, NAMES, report, values } from "./report.mjs";

report(async () => {
  const { pin: sha256, variant, worker, runtime } = globalThis.given; // as the bundler's plugin generates it
  const model = await load(
    { manifestUrl: "/packs/manifest.json", model: "minilm", sha256 },
    { device: "wasm", variant, worker, runtime },
  );
  const feeds = NAMES.map((name) => [name, { type: "int64", data: values(name), dims: [1, IDS.length] }]);
  const outputs = await model.run(Object.fromEntries(feeds));
  return outputs.sentence_embedding.data[0];
});
