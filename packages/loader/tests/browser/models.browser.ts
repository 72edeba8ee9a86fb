/** What a page gets when nothing goes wrong: numbers, encodings, progress, state, assets, measurements; and real models. */
import { existsSync } from "node:fs";
import { describe, expect } from "vitest";
import type { Success } from "./page/harness.ts";
import * as answers from "./support/answers.ts";
import { chunkPaths, exactly, expected, expectWorks, type SceneOptions, scene } from "./support/scene.ts";
import { packFile, type Site } from "./support/site.ts";

const digits = expected("digits");
const bands = {
  ref: { manifestUrl: "/models/manifest.json", model: "bands" },
  feeds: expected("bands").feeds,
};

/** The fraction begins near 0, never falls and ends at 1; the bytes add up. */
function expectHonest({ progress }: Success): void {
  const fractions = progress.map(({ fraction }) => fraction);
  expect(fractions[0]).toBeLessThan(0.05);
  expect(fractions.at(-1)).toBe(1);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(fractions.slice(0, -1).every((fraction) => fraction < 1)).toBe(true);
  const last = progress.at(-1);
  expect(last?.transferredBytes).toBe(last?.totalTransferBytes);
  expect(last?.secondsLeft).toBe(0);
  expect(
    progress.every(({ transferredBytes, totalTransferBytes }) => transferredBytes <= totalTransferBytes),
  ).toBe(true);
}

describe.each(["stored", "transport"] as const)("a pack for hosts that are %s", (pack) => {
  for (const variant of ["q8", "fp32"]) {
    scene(
      `gives the numbers of native onnxruntime (${variant})`,
      async ({ tab }) => {
        const outcome = await tab.attempt({ feeds: digits.feeds, options: { variant } });
        expectWorks(outcome, "digits", pack);
        expectHonest(outcome);
      },
      { pack },
    );
  }
});

describe("progress is honest", () => {
  const slow = (site: Site): void => site.always(/^\/models\/c\//, answers.dribbled(8, 30));
  const encoded = (encoding: string): SceneOptions => ({
    pack: "transport",
    prepare: (_, context) => context.setExtraHTTPHeaders({ "accept-encoding": encoding }),
  });

  for (const encoding of ["br", "zstd", "gzip", "identity"]) {
    scene(
      `under ${encoding}`,
      async ({ site, tab }) => {
        slow(site);
        const outcome = await tab.attempt(bands);
        expectWorks(outcome, "bands", "transport");
        expectHonest(outcome);
        expect(outcome.progress.length).toBeGreaterThan(10);
        const asked = site.log.find(({ path }) => path.startsWith("/models/c/"));
        expect(asked?.headers["accept-encoding"]).toBe(encoding);
      },
      encoded(encoding),
    );
  }
  scene("under the loader's own decoding", async ({ site, tab }) => {
    slow(site);
    const outcome = await tab.attempt(bands);
    expectWorks(outcome, "bands");
    expectHonest(outcome);
  });
  scene("over a chunk that failed midway", async ({ site, tab }) => {
    slow(site);
    site.script(/^\/models\/c\//, answers.cut, answers.cut, answers.flipped);
    const outcome = await tab.attempt(bands);
    expectWorks(outcome, "bands");
    expectHonest(outcome);
  });
  scene("over what is stored", async ({ tab }) => {
    expectWorks(await tab.attempt(bands), "bands");
    const outcome = await tab.attempt(bands);
    expectWorks(outcome, "bands");
    expectHonest(outcome);
    expect(outcome.progress.at(-1)).toMatchObject({ transferredBytes: 0, totalTransferBytes: 0 });
  });
});

scene(
  "a slow network leaves time for a rehearsal, of which the model knows nothing",
  async ({ site, tab }) => {
    const [, ...weights] = chunkPaths("bands", "fp32");
    for (const path of weights) site.always(exactly(path), answers.dribbled(20, 150));
    const outcome = await tab.attempt({ ...bands, options: { device: "wasm", variant: "fp32" } });
    expectWorks(outcome, "bands");
    expectHonest(outcome);
    const phases = await tab.page.evaluate(() =>
      performance.getEntriesByType("measure").map(({ name }) => name),
    );
    expect(phases).toContain("modelpack:rehearsal");
  },
);

describe("a page", () => {
  scene("is told what a load will take, before and after", async ({ site, tab }) => {
    const before = await tab.attempt({ ...bands, does: "plan" });
    expect(before).toMatchObject({
      code: "OK",
      plan: { cachedBytes: 0, requests: 13, variant: { id: "fp32" } },
    });
    expect(site.chunkRequests()).toEqual([]);
    const preloaded = await tab.attempt({ ...bands, does: "preload" });
    expect(preloaded).toMatchObject({ code: "OK" });
    const sent = (before as Success).plan?.transferBytes;
    expect(preloaded.progress.at(-1)?.transferredBytes).toBe(sent);
    expect(await tab.attempt({ ...bands, does: "plan" })).toMatchObject({
      plan: { transferBytes: 0, requests: 0 },
    });
    expect(await tab.attempt({ ...bands, does: "verify" })).toMatchObject({
      verification: { damaged: [], missing: [] },
    });
  });
  scene("can create its own session", async ({ tab }) => {
    expectWorks(await tab.attempt({ ...bands, does: "ortInputs" }), "bands");
  });
  scene("gets assets", async ({ tab }) => {
    expect(await tab.attempt({ ...bands, asset: "labels" })).toMatchObject({
      code: "OK",
      asset: "zero\none\ntwo\n",
    });
  });
  scene("finds every phase in its timeline", async ({ tab }) => {
    expectWorks(await tab.attempt(bands), "bands");
    const names = await tab.page.evaluate(() =>
      performance
        .getEntriesByType("measure")
        .map(({ name }) => name)
        .filter((name) => name.startsWith("modelpack")),
    );
    for (const phase of ["manifest", "runtime", "download", "session", "load", "run"]) {
      expect(names.some((name) => name.endsWith(phase))).toBe(true);
    }
  });
  scene("carries state from call to call", async ({ tab }) => {
    await tab.attempt({ ref: { manifestUrl: "/models/manifest.json", model: "tally" } });
    const x = { x: { type: "float32", data: [1, 2, 3, 4], dims: [1, 4] } };
    expect(await tab.stream([x, x, x])).toEqual([[2.5], [5], [7.5]]);
  });
});

describe("a decoder", () => {
  scene("writes text, letter by letter, with its keys and values in the worker", async ({ tab }) => {
    const written = await tab.page.evaluate(async () => {
      const { load } = await harness.loader;
      const model = await load("/models/manifest.json#writer", {
        runtime: { moduleUrl: "/ort/ort.wasm.min.mjs" },
      });
      const letters = new TextDecoder().decode(await model.asset("letters"));
      const past = { type: "float32", data: new Float32Array(0), dims: [1, 0, 16] };
      const stream = model.stream({ past_key: past, past_value: past });
      const write = async (limit: number): Promise<string> => {
        let text = "^";
        while (!text.endsWith("$") && text.length < limit) {
          const token = BigInt64Array.of(BigInt(letters.indexOf(text.at(-1) as string)));
          const outputs = await stream.run({ token: { type: "int64", data: token, dims: [1, 1] } });
          const scores = Array.from(outputs["logits"]?.data as Float32Array);
          text += letters[scores.indexOf(Math.max(...scores))];
        }
        return text;
      };
      const first = await write(10);
      stream.reset(); // begins again from the empty past
      const second = await write(100);
      await model.release();
      return { first, second };
    });
    expect(written).toEqual({
      first: "^the quick",
      second: "^the quick brown fox jumps over the lazy dog.$",
    });
  });
});

const hasReal = existsSync(packFile("real", "manifest.json"));

describe.skipIf(!hasReal)("real models (MODELPACK_REAL_MODELS)", () => {
  const options = { pack: "real", timeoutMs: 180_000 };
  const reference = (model: string) => ({ manifestUrl: "/models/manifest.json", model });

  scene(
    "silero hears where speech begins and ends, frame by frame",
    async ({ tab }) => {
      expect(await tab.attempt({ ref: reference("silero") })).toMatchObject({ code: "OK" });
      const sr = { type: "int64", data: [16_000], dims: [] };
      const initial = { state: { type: "float32", data: new Array(256).fill(0), dims: [2, 1, 128] } };
      const frames = withContext([...silence(20), ...vowel(40), ...silence(20)]);
      const calls = frames.map((data) => ({ input: { type: "float32", data, dims: [1, data.length] }, sr }));
      const heard = (await tab.stream(calls, initial)).map(([probability]) => probability as number);
      expect(mean(heard.slice(0, 20))).toBeLessThan(0.1);
      expect(mean(heard.slice(20, 60))).toBeGreaterThan(0.8); // 0.96 with native onnxruntime
      expect(mean(heard.slice(60))).toBeLessThan(0.1);
    },
    options,
  );
  scene(
    "magika's next release runs, and what stayed the same is not fetched again",
    async ({ site, tab }) => {
      const feeds = { bytes: { type: "int32", data: new Array(2048).fill(32), dims: [1, 2048] } };
      expect(await tab.attempt({ ref: reference("magika"), feeds })).toMatchObject({ code: "OK" });
      const first = new Set(site.chunkRequests());
      site.publish("real-next");
      site.log.splice(0);
      expect(await tab.attempt({ ref: reference("magika"), feeds })).toMatchObject({ code: "OK" });
      expect(site.chunkRequests().every((path) => !first.has(path))).toBe(true);
    },
    options,
  );
  scene(
    "ultraface finds no face in grey",
    async ({ tab }) => {
      const data = new Array(3 * 240 * 320).fill(0);
      const outcome = await tab.attempt({
        ref: reference("ultraface"),
        feeds: { input: { type: "float32", data, dims: [1, 3, 240, 320] } },
      });
      expect(outcome).toMatchObject({ code: "OK" });
      const scores = (outcome as Success).output;
      expect(Math.max(...scores.filter((_, position) => position % 2 === 1))).toBeLessThan(0.5);
    },
    options,
  );
});

const FRAME = 512; // samples at 16 kHz
const CONTEXT = 64; // samples of the frame before that the model wants to hear again

function silence(frames: number): readonly number[] {
  return new Array<number>(frames * FRAME).fill(0);
}

/** A voice at 120 Hz that says "a" four times a second: pulses through the resonances of that vowel. */
function vowel(frames: number): readonly number[] {
  const samples = new Array<number>(frames * FRAME).fill(0);
  for (const [frequency, width] of [
    [700, 130],
    [1220, 70],
    [2600, 160],
  ] as const) {
    const radius = Math.exp((-Math.PI * width) / 16_000);
    const turn = 2 * radius * Math.cos((2 * Math.PI * frequency) / 16_000);
    let [phase, one, two] = [0, 0, 0];
    for (let position = 0; position < samples.length; position += 1) {
      phase += (120 + 15 * Math.sin(position / 3000)) / 16_000;
      const pulse = phase >= 1 ? 1 : 0;
      phase -= pulse;
      [one, two] = [pulse + turn * one - radius * radius * two, one];
      const loudness = 0.05 * (1 + Math.sin((position / 16_000) * 2 * Math.PI * 4));
      samples[position] = (samples[position] as number) + loudness * one;
    }
  }
  return samples;
}

/** Frames, each after the last samples of the one before. */
function withContext(samples: readonly number[]): readonly (readonly number[])[] {
  const padded = [...new Array<number>(CONTEXT).fill(0), ...samples];
  const frames = Math.floor(samples.length / FRAME);
  return Array.from({ length: frames }, (_, frame) =>
    padded.slice(frame * FRAME, (frame + 1) * FRAME + CONTEXT),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
