// What every app needs to know of the model, beside its file.

/** A seven, as the model was trained on them: 8 × 8 pixels from 0 to 1. */
export const SEVEN = Float32Array.from(
  `0 0 . : : # . 0
   0 0 . : : # # 0
   0 0 0 0 0 # : 0
   0 0 . : # # # .
   0 0 . # # : . 0
   0 0 0 # . 0 0 0
   0 0 : # 0 0 0 0
   0 0 : . 0 0 0 0`.split(/\s+/),
  (pixel) => ({ 0: 0, ".": 0.3, ":": 0.7, "#": 1 })[pixel],
);

/** The digit that a loaded model sees in these pixels. */
export async function read(model, pixels) {
  const image = { type: "float32", data: pixels, dims: [1, 1, 8, 8] };
  const { data } = (await model.run({ image })).logits;
  return data.indexOf(Math.max(...data));
}
