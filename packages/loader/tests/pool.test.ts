import { expect, test } from "vitest";
import { eachLimited } from "../src/pool.ts";

test("works on no more than the limit at once, in order", async () => {
  let busy = 0;
  let most = 0;
  const begun: number[] = [];
  await eachLimited([1, 2, 3, 4, 5, 6, 7], 3, undefined, async (item) => {
    begun.push(item);
    busy += 1;
    most = Math.max(most, busy);
    await new Promise((resolve) => setTimeout(resolve, 3));
    busy -= 1;
  });
  expect(most).toBe(3);
  expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test("fails with the first failure, and begins nothing afterwards", async () => {
  const begun: number[] = [];
  const signals: AbortSignal[] = [];
  const work = async (item: number, signal: AbortSignal): Promise<void> => {
    begun.push(item);
    signals.push(signal);
    await new Promise((resolve) => setTimeout(resolve, item));
    if (item === 2) throw new Error("two");
  };
  await expect(eachLimited([9, 2, 3, 4], 2, undefined, work)).rejects.toThrow("two");
  await new Promise((resolve) => setTimeout(resolve, 15));
  expect(begun).toEqual([9, 2]);
  expect(signals.every((signal) => signal.aborted)).toBe(true);
});

test("does nothing with no items", async () => {
  await eachLimited([], 6, undefined, () => Promise.reject(new Error("never")));
});
