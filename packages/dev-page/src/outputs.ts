/** What a call gave: the highest values of what looks like scores, the first numbers of everything else. */
import type { Outputs, TensorLike } from "@modelpack/loader";
import { element } from "./dom.ts";
import { figure, typeAndShape } from "./format.ts";

const MOST_SCORES = 1000;
const MOST_ROWS = 8;
const MOST_NUMBERS = 24;

/** A block for each output. */
export function outputBlocks(outputs: Outputs): readonly HTMLElement[] {
  return Object.entries(outputs).map(([name, tensor]) =>
    element(
      "section",
      { class: "output" },
      element("h4", {}, name, element("span", { class: "quiet" }, typeAndShape(tensor.type, tensor.dims))),
      body(tensor),
    ),
  );
}

/** Whether the tensor is one row of a few floats, such as logits or probabilities. */
export function looksLikeScores({ type, dims, data }: TensorLike): boolean {
  const rows = dims.slice(0, -1).every((size) => size === 1);
  return type.startsWith("float") && rows && data.length > 1 && data.length <= MOST_SCORES;
}

/** The highest values with their positions, the highest first. */
export function highest(values: readonly number[], most: number): readonly (readonly [number, number])[] {
  return values
    .map((value, position) => [position, value] as const)
    .sort(([, one], [, other]) => other - one)
    .slice(0, most);
}

function body(tensor: TensorLike): HTMLElement {
  const numbers = Array.from(tensor.data as ArrayLike<number | bigint>);
  if (!looksLikeScores(tensor)) return firstNumbers(numbers);
  const values = numbers.map(Number);
  const best = highest(values, MOST_ROWS);
  const low = Math.min(...values);
  const range = (best[0]?.[1] ?? 0) - low || 1;
  const rows = best.flatMap(([position, value]) => [
    element("dt", {}, `${position}`),
    element(
      "dd",
      {},
      element("meter", { min: 0, max: 1, value: (value - low) / range, "aria-hidden": "true" }),
      element("span", {}, figure(value)),
    ),
  ]);
  return element("dl", { class: "scores" }, ...rows);
}

function firstNumbers(numbers: readonly (number | bigint)[]): HTMLElement {
  const shown = numbers.slice(0, MOST_NUMBERS).map(figure).join("  ");
  const rest = numbers.length - MOST_NUMBERS;
  return element("pre", {}, rest > 0 ? `${shown}  … ${rest} more` : shown);
}
