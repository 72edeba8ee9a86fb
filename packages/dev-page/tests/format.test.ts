import { expect, test } from "vitest";
import { bytes, figure, milliseconds, typeAndShape } from "../src/format.ts";
import { highest, looksLikeScores } from "../src/outputs.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [61_300, "61.3 kB"],
  [999_600, "1.00 MB"],
  [2_700_000_000, "2.70 GB"],
])("%i bytes are %s", (size, text) => {
  expect(bytes(size)).toBe(text);
});

test("times keep the digits that matter", () => {
  expect([0.5, 9.87, 41.2, 2400].map(milliseconds)).toEqual(["0.50 ms", "9.9 ms", "41 ms", "2.4 s"]);
});

test("figures are short and close", () => {
  expect([3, 10n, 0.123456, 1e-7, 1e9 + 0.5].map(figure)).toEqual([
    "3",
    "10",
    "0.1235",
    "1.00e-7",
    "1.00e+9",
  ]);
});

test("shapes show unknown sizes", () => {
  expect(typeAndShape("float32", ["batch", "", 4])).toBe("float32 [batch, ?, 4]");
});

test("scores are one row of a few floats", () => {
  const scores = { type: "float32", dims: [1, 3], data: Float32Array.of(1, 3, 2) };
  expect(looksLikeScores(scores)).toBe(true);
  expect(looksLikeScores({ ...scores, dims: [3, 1] })).toBe(false);
  expect(highest([1, 3, 2], 2)).toEqual([
    [1, 3],
    [2, 2],
  ]);
});
