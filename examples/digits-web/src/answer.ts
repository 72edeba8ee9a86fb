/** The ten bars, the digit, and the little picture of what the model is given. */
import { SIDE } from "./pixels.ts";

export interface Answer {
  readonly show: (pixels: Float32Array, logits: ArrayLike<number>) => void;
  readonly clear: () => void;
}

/** Fills the elements of index.html. */
export function answerIn(digit: HTMLElement, bars: HTMLElement, seen: HTMLCanvasElement): Answer {
  const rows = Array.from({ length: 10 }, (_, number) => addRow(bars, number));
  const fill = (shares: readonly number[], best: number | undefined): void => {
    digit.textContent = best === undefined ? "–" : String(best);
    rows.forEach(({ row, bar, percent }, number) => {
      const share = shares[number] ?? 0;
      row.classList.toggle("best", number === best);
      bar.style.setProperty("--share", String(share));
      percent.textContent = share ? `${Math.round(share * 100)} %` : "";
    });
  };
  return {
    show: (pixels, logits) => {
      const shares = softmax(Array.from(logits));
      paint(seen, pixels);
      fill(shares, shares.indexOf(Math.max(...shares)));
    },
    clear: () => {
      seen.getContext("2d")?.clearRect(0, 0, SIDE, SIDE);
      fill([], undefined);
    },
  };
}

interface Row {
  readonly row: HTMLElement;
  readonly bar: HTMLElement;
  readonly percent: HTMLElement;
}

function addRow(list: HTMLElement, number: number): Row {
  const [row, label, track, bar, percent] = ["li", "span", "div", "div", "span"].map((tag) =>
    document.createElement(tag),
  ) as [HTMLElement, HTMLElement, HTMLElement, HTMLElement, HTMLElement];
  label.textContent = String(number);
  track.className = "bar";
  percent.className = "percent";
  track.append(bar);
  row.append(label, track, percent);
  list.append(row);
  return { row, bar, percent };
}

/** Logits → shares that add up to 1. */
function softmax(logits: readonly number[]): readonly number[] {
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function paint(canvas: HTMLCanvasElement, pixels: Float32Array): void {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.clearRect(0, 0, SIDE, SIDE);
  context.fillStyle = getComputedStyle(canvas).color;
  pixels.forEach((share, position) => {
    context.globalAlpha = share;
    context.fillRect(position % SIDE, Math.floor(position / SIDE), 1, 1);
  });
}
