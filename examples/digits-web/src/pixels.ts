/** Strokes → what the model was trained on: 8 × 8 cells, each the share of its 4 × 4 pixels that are inked. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export type Stroke = readonly Point[];

export const SIDE = 8;
const CELL = 4; // pixels along a cell
const PIXELS = SIDE * CELL;
// Whatever the digit, those of the training set have this much ink: a 1 is written with a thicker pen than an 8.
const INK_PIXELS = 19.5 * CELL ** 2; // the mean of its 1797 samples, of which no digit's mean is further away than 1.1 cells
const PENS = { thinnest: 3, thickest: 9 };
const INKED = 127; // of 255

/** float32 [8 × 8], 0 to 1, of the strokes scaled to the full height. */
export function toPixels(strokes: readonly Stroke[]): Float32Array<ArrayBuffer> {
  const cells = new Float32Array(SIDE * SIDE);
  const alpha = rasterize(strokes);
  for (let position = 0; position < alpha.length; position += 1) {
    const cell = Math.floor(position / PIXELS / CELL) * SIDE + Math.floor((position % PIXELS) / CELL);
    if ((alpha[position] as number) > INKED) cells[cell] = (cells[cell] as number) + 1 / CELL ** 2;
  }
  return cells;
}

/** The opacity of 32 × 32 pixels. */
function rasterize(strokes: readonly Stroke[]): Uint8ClampedArray {
  const context = new OffscreenCanvas(PIXELS, PIXELS).getContext("2d") as OffscreenCanvasRenderingContext2D;
  const points = strokes.flat();
  const { thinnest, thickest } = PENS;
  const length = lengthOf(strokes) * scaleOf(points, thinnest);
  const pen = Math.min(Math.max(INK_PIXELS / length, thinnest), thickest);
  const fit = fitInto(points, pen);
  context.lineWidth = pen;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    for (const point of stroke) context.lineTo(...fit(point));
    const [only] = stroke;
    if (stroke.length === 1 && only) context.lineTo(...fit(only));
    context.stroke();
  }
  const { data } = context.getImageData(0, 0, PIXELS, PIXELS);
  return data.filter((_, position) => position % 4 === 3);
}

function lengthOf(strokes: readonly Stroke[]): number {
  let length = 0;
  for (const stroke of strokes) {
    stroke.slice(1).forEach((point, position) => {
      const { x, y } = stroke[position] as Point;
      length += Math.hypot(point.x - x, point.y - y);
    });
  }
  return length;
}

/** Moves and scales the points so that strokes of this pen just fill the square, proportions kept. */
function fitInto(points: readonly Point[], pen: number): (point: Point) => [number, number] {
  const { left, right, top, bottom } = extentOf(points);
  const scale = scaleOf(points, pen);
  return ({ x, y }) => [
    PIXELS / 2 + (x - (left + right) / 2) * scale,
    PIXELS / 2 + (y - (top + bottom) / 2) * scale,
  ];
}

function scaleOf(points: readonly Point[], pen: number): number {
  const { left, right, top, bottom } = extentOf(points);
  return (PIXELS - pen) / Math.max(right - left, bottom - top, Number.EPSILON);
}

function extentOf(points: readonly Point[]): Readonly<Record<"left" | "right" | "top" | "bottom", number>> {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  return {
    left: Math.min(...xs),
    right: Math.max(...xs),
    top: Math.min(...ys),
    bottom: Math.max(...ys),
  };
}
