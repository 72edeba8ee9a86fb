import { expect, test } from "vitest";
import { madeUpInputs, type Value } from "../src/split/made-up-inputs.ts";

const NOTHING: ReadonlySet<string> = new Set();

test("open axes have the size, and the batch is 1", () => {
  const inputs: Value[] = [
    { name: "ids", type: "int64", shape: ["batch", "length"] },
    { name: "image", type: "float32", shape: [2, "", 3] },
    { name: "rate", type: "int32", shape: [] },
  ];
  const feeds = madeUpInputs(inputs, NOTHING, 2);
  expect(feeds?.["ids"]).toEqual({ type: "int64", data: BigInt64Array.of(1n, 1n), dims: [1, 2] });
  expect(feeds?.["image"]?.dims).toEqual([2, 2, 3]);
  expect(feeds?.["image"]?.data.length).toBe(12);
  expect(feeds?.["rate"]).toEqual({ type: "int32", data: Int32Array.of(1), dims: [] });
});

test("what is open of a state is 1, wherever it is named, and sums of names add up", () => {
  const inputs: Value[] = [
    { name: "ids", type: "int64", shape: ["batch", "length"] },
    { name: "mask", type: "int64", shape: ["batch", "past + length"] },
    { name: "positions", type: "int64", shape: ["batch", "length + 1"] },
    { name: "past.0.key", type: "float32", shape: ["batch", 4, "past", 16] },
  ];
  const feeds = madeUpInputs(inputs, new Set(["past.0.key"]), 8) ?? {};
  expect(Object.values(feeds).map(({ dims }) => dims)).toEqual([
    [1, 8],
    [1, 9],
    [1, 9],
    [1, 4, 1, 16],
  ]);
});

test("no one makes up text", () => {
  expect(madeUpInputs([{ name: "text", type: "string", shape: [1] }], NOTHING, 1)).toBeUndefined();
});
