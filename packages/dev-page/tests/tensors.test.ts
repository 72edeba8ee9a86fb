import { expect, test } from "vitest";
import {
  boundDimensions,
  freeDimensions,
  generatedFeeds,
  sampleFeeds,
  tensor,
  zeroFeeds,
} from "../src/tensors.ts";

const INPUTS = [
  { name: "ids", type: "int64", shape: ["batch", "length"] },
  { name: "image", type: "float32", shape: ["batch", 2, ""] },
];

test("dimensions that can be chosen are those with a name, once each", () => {
  expect(freeDimensions(INPUTS)).toEqual(["batch", "length"]);
});

test("generated feeds have the declared types and the chosen sizes", () => {
  const feeds = generatedFeeds(INPUTS, { batch: 1, length: 3 }, () => 0.75);
  expect(feeds["ids"]).toEqual({ type: "int64", dims: [1, 3], data: BigInt64Array.of(1n, 1n, 1n) });
  expect(feeds["image"]).toEqual({ type: "float32", dims: [1, 2, 1], data: Float32Array.of(0.5, 0.5) });
});

test("samples become tensors of their types", () => {
  const feeds = sampleFeeds({ mask: { type: "bool", dims: [2], data: [true, false] } });
  expect(feeds).toEqual({ mask: { type: "bool", dims: [2], data: Uint8Array.of(1, 0) } });
});

test("a type without an array is named", () => {
  expect(() => tensor("string", [1], [1])).toThrow("this browser has no array for string");
});

test("a state of open size begins with zeros, as large as the first feeds and the chosen sizes make it", () => {
  const feeds = { ids: tensor("int64", [2, 5], new Array<number>(10).fill(7)) };
  const bound = boundDimensions(INPUTS, feeds);
  expect(bound).toEqual({ batch: 2, length: 5 });
  const past = { name: "past", type: "float32", shape: ["batch", 3, "past_length"] };
  expect(zeroFeeds([past], bound)).toEqual({
    past: { type: "float32", dims: [2, 3, 0], data: new Float32Array(0) },
  });
  expect(zeroFeeds([past], { ...bound, past_length: 1 })["past"]?.dims).toEqual([2, 3, 1]);
});
