import "./style.css";
import digits from "modelpack:digits";
import { type LoadedModel, load, plan } from "@modelpack/loader";
import { answerIn } from "./answer.ts";
import { drawingOn } from "./drawing.ts";
import { SIDE, type Stroke, toPixels } from "./pixels.ts";
import { statusIn } from "./status.ts";

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const page = document.body;
const answer = answerIn(element("digit"), element("bars"), element("seen"));
const status = statusIn({
  page,
  track: element("track"),
  done: element("done"),
  status: element("status"),
  facts: element("facts"),
});

let model: LoadedModel | undefined;
let latest: readonly Stroke[] = [];
let isReading = false;

/** Reads the latest drawing; what was drawn meanwhile is read next, and what lies in between is skipped. */
async function read(): Promise<void> {
  if (!model || isReading) return;
  isReading = true;
  try {
    for (let strokes: readonly Stroke[] | undefined; strokes !== latest && latest.length; ) {
      strokes = latest;
      const pixels = toPixels(strokes);
      const startedMs = performance.now();
      const { logits } = await model.run({
        image: { type: "float32", data: pixels, dims: [1, 1, SIDE, SIDE] },
      });
      status.answered(performance.now() - startedMs);
      if (logits && latest.length) answer.show(pixels, logits.data as ArrayLike<number>);
    }
  } catch (error) {
    status.failed(error);
  } finally {
    isReading = false;
  }
}

const drawing = drawingOn(element("paper"), (strokes) => {
  latest = [...strokes];
  page.classList.toggle("drawn", strokes.length > 0);
  if (!strokes.length) answer.clear();
  void read();
});
element("clear").addEventListener("click", drawing.clear);

try {
  const planned = await plan(digits);
  status.planned(planned);
  model = await load(digits, { onProgress: status.progressed });
  status.ready(model, planned);
  await read(); // what was drawn while it loaded
} catch (error) {
  status.failed(error);
}
