/** The sheet that is drawn on. */
import type { Point, Stroke } from "./pixels.ts";

const PEN_SHARE = 0.085; // of the sheet's side

export interface Drawing {
  readonly clear: () => void;
}

/** Draws where the pointer goes; tells `onChange` all strokes, after each change. */
export function drawingOn(
  canvas: HTMLCanvasElement,
  onChange: (strokes: readonly Stroke[]) => void,
): Drawing {
  const strokes: Point[][] = [];
  let current: Point[] | undefined;
  const changed = (): void => {
    paint(canvas, strokes);
    onChange(strokes);
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    current = [pointOf(event, canvas)];
    strokes.push(current);
    changed();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!current) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) current.push(pointOf(each, canvas));
    changed();
  });
  for (const end of ["pointerup", "pointercancel"] as const) {
    canvas.addEventListener(end, () => {
      current = undefined;
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint(canvas, strokes));
  return {
    clear: () => {
      strokes.length = 0;
      changed();
    },
  };
}

function pointOf(event: PointerEvent, canvas: HTMLCanvasElement): Point {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
}

function paint(canvas: HTMLCanvasElement, strokes: readonly Stroke[]): void {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const { width: side } = canvas;
  context.clearRect(0, 0, side, side);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = side * PEN_SHARE;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    for (const { x, y } of stroke) context.lineTo(x * side, y * side);
    const [only] = stroke;
    if (stroke.length === 1 && only) context.lineTo(only.x * side, only.y * side);
    context.stroke();
  }
}
