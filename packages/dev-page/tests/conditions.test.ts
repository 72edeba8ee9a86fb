import { expect, test } from "vitest";
import { corrupting, fullStore } from "../src/conditions.ts";

const CHUNK = `http://localhost/models/c/${"a".repeat(64)}.bin`;
const OTHER = `http://localhost/models/c/${"b".repeat(64)}.bin`;
const good = async (): Promise<Response> => new Response(new Uint8Array([1, 2, 3, 4]));

async function bytesOf(response: Response): Promise<readonly number[]> {
  return [...new Uint8Array(await response.arrayBuffer())];
}

test("a chunk is corrupt as often as asked for, and no other one is", async () => {
  const fetching = corrupting(good, 1);
  expect(await bytesOf(await fetching("http://localhost/models/manifest.json", {}))).toEqual([1, 2, 3, 4]);
  expect(await bytesOf(await fetching(CHUNK, {}))).toEqual([1, 2, 2, 4]);
  expect(await bytesOf(await fetching(OTHER, {}))).toEqual([1, 2, 3, 4]);
  expect(await bytesOf(await fetching(CHUNK, {}))).toEqual([1, 2, 3, 4]);
});

test("a full store keeps nothing and says why", async () => {
  await expect(fullStore().write("key", new Uint8Array(1))).rejects.toMatchObject({
    name: "QuotaExceededError",
  });
  expect(await fullStore().list()).toEqual([]);
});
