import { describe, expect, test } from "vitest";
import { inputKey, resultCache } from "../src/results.ts";
import type { Outputs } from "../src/types.ts";
import { hasherOf } from "../src/verify.ts";

const hasher = hasherOf(crypto.subtle, "required");
const outputs = (value: number, length: number = 1): Outputs => ({
  y: { type: "float32", data: new Float32Array(length).fill(value), dims: [length] },
});

describe("resultCache", () => {
  test("keeps the 64 that were used last", () => {
    const results = resultCache();
    for (let value = 0; value < 64; value += 1) results.set(String(value), outputs(value));
    results.get("0");
    results.set("new", outputs(99));
    expect(results.get("0")).toEqual(outputs(0));
    expect(results.get("1")).toBeUndefined();
  });

  test("keeps no more than 16 MiB", () => {
    const results = resultCache();
    for (const name of ["a", "b", "c"]) results.set(name, outputs(1, 2 ** 21)); // 8 MiB each
    expect(
      [results.get("a"), results.get("b"), results.get("c")].map((found) => found !== undefined),
    ).toEqual([false, true, true]);
    results.set("huge", outputs(1, 2 ** 22 + 1));
    expect(results.get("huge")).toBeUndefined();
    expect(results.get("c")).toBeDefined();
  });

  test("gives copies, of copies", () => {
    const results = resultCache();
    const given = outputs(1);
    results.set("a", given);
    (given["y"] as { data: Float32Array }).data.fill(7);
    const found = results.get("a") as Outputs;
    (found["y"] as { data: Float32Array }).data.fill(8);
    expect(results.get("a")).toEqual(outputs(1));
  });
});

describe("inputKey", () => {
  const x = { type: "float32", data: Float32Array.of(1, 2, 3, 4), dims: [4] };
  const key = (feeds: Parameters<typeof inputKey>[1], digest: string = "d"): Promise<string> =>
    inputKey(digest, feeds, hasher as NonNullable<typeof hasher>);

  test("is the same for equal inputs, in whatever order, from whatever memory", async () => {
    const part = { ...x, data: Float32Array.of(0, 1, 2, 3, 4).subarray(1) };
    expect(await key({ a: x, b: part })).toBe(await key({ b: x, a: part }));
  });

  test.each([
    ["another value", { a: { ...x, data: Float32Array.of(1, 2, 3, 5) } }],
    ["another name", { b: x }],
    ["another shape", { a: { ...x, dims: [2, 2] } }],
    ["another type", { a: { ...x, type: "int32" } }],
    ["one more", { a: x, b: x }],
    ["text", { a: { type: "string", data: ["1"], dims: [1] } }],
  ])("differs for %s", async (_, feeds) => {
    expect(await key(feeds)).not.toBe(await key({ a: x }));
  });

  test("differs for another variant", async () => {
    expect(await key({ a: x }, "e")).not.toBe(await key({ a: x }));
  });
});
