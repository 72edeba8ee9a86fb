/** Numbers as people read them, the same way as the terminal writes them. */

const UNITS = ["B", "kB", "MB", "GB"] as const;

/** `61.3 kB`. */
export function bytes(size: number): string {
  let value = size;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`;
}

/** `41 ms`, `2.4 s`. */
export function milliseconds(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 10 ? `${Math.round(value)} ms` : `${value.toPrecision(2)} ms`;
}

/** A number of an output: short, and never rounded to something it is not close to. */
export function figure(value: number | bigint): string {
  if (typeof value === "bigint" || Number.isInteger(value)) return `${value}`;
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? value.toPrecision(4) : value.toExponential(2);
}

/** `1 chunk`, `2 chunks`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** `float32 [batch, 64]`. */
export function typeAndShape(type: string, shape: readonly (number | string)[]): string {
  return `${type} [${shape.map((size) => (size === "" ? "?" : size)).join(", ")}]`;
}
