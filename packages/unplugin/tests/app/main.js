import digits from "modelpack:digits";
import { load } from "@modelpack/loader";

async function answer(options) {
  const model = await load(digits, options);
  const image = { type: "float32", data: new Float32Array(64).fill(0.5), dims: [1, 1, 8, 8] };
  const { logits } = await model.run({ image });
  return { reference: digits, variant: model.variant.id, logits: Array.from(logits.data) };
}

globalThis.answer = answer;
globalThis.answered = answer();
// A chunk of its own, in a folder of its own.
globalThis.lazily = () => import("./later.js").then(({ isStored }) => isStored());
