/** Packs that the builder wrote, in onnxruntime-web itself, against numbers from native onnxruntime. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { load } from "../src/index.ts";
import { diskStore, fileFetch } from "../src/node.ts";
import { builtPack } from "./support/packs.ts";
import { scriptedServer } from "./support/server.ts";

const FIXTURES = new URL("./fixtures/", import.meta.url);
const { logits } = JSON.parse(readFileSync(new URL("expected.json", FIXTURES), "utf8")) as {
  logits: readonly number[];
};
const RAMP = {
  x: {
    type: "float32",
    data: Float32Array.from({ length: 32 }, (_, position) => position / 32),
    dims: [1, 32],
  },
};

/** The largest difference from native onnxruntime. */
function distance(outputs: Awaited<ReturnType<Awaited<ReturnType<typeof load>>["run"]>>): number {
  const found = outputs["logits"]?.data as Float32Array;
  expect(found).toHaveLength(10);
  return Math.max(...logits.map((value, position) => Math.abs(value - (found[position] ?? Number.NaN))));
}

describe.each(["stored", "transport"] as const)("a pack for a host that is %s", (mode) => {
  test("gives the numbers of native onnxruntime, from disk", async () => {
    const manifestUrl = new URL(`packs/${mode}/manifest.json`, FIXTURES).href;
    await using model = await load({ manifestUrl, model: "classify" }, { fetch: fileFetch, variant: "fp32" });
    expect(distance(await model.run(RAMP))).toBeLessThan(1e-5); // float32 sums of 128 terms, in another order
    expect(model.inputMetadata).toEqual([
      { name: "x", isTensor: true, type: "float32", shape: ["batch", 32] },
    ]);
    expect(new TextDecoder().decode(await model.asset("labels"))).toBe("zero\none\ntwo\n");
  });

  test("gives them over HTTP, and from the disk afterwards", async () => {
    await using server = await scriptedServer(builtPack(mode));
    const cache = diskStore(mkdtempSync(join(tmpdir(), "modelpack-")));
    const reference = { manifestUrl: `${server.url}/manifest.json`, model: "classify" };
    await (await load(reference, { cache, variant: "q8" })).release();
    server.log.splice(0);
    await using model = await load(reference, { cache });
    expect(model.variant.id).toBe("q8");
    expect(server.paths()).toEqual(["/manifest.json"]);
    expect(distance(await model.run(RAMP))).toBeLessThan(0.15); // int8 weights and activations, of logits up to 12
  });
});

describe("a stream", () => {
  test("carries the state from call to call", async () => {
    const manifestUrl = new URL("packs/stored/manifest.json", FIXTURES).href;
    await using model = await load({ manifestUrl, model: "tally" }, { fetch: fileFetch });
    const stream = model.stream();
    const x = { x: { type: "float32", data: Float32Array.of(1, 2, 3, 4), dims: [1, 4] } };
    const means: unknown[] = [];
    for (let call = 0; call < 3; call += 1) {
      const outputs = await stream.run(x);
      expect(Object.keys(outputs)).toEqual(["mean"]);
      means.push(outputs["mean"]?.data[0]);
    }
    expect(means).toEqual([2.5, 5, 7.5]);
    stream.reset();
    expect((await stream.run(x))["mean"]?.data[0]).toBe(2.5);
  });
});
