/** L18, L19: onnxruntime-web, its worker, policies of the page, and sessions that cannot be. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import type { Failure } from "./page/harness.ts";
import * as answers from "./support/answers.ts";
import { expected, expectWorks, type Scene, scene } from "./support/scene.ts";
import { packFile, type Site } from "./support/site.ts";

const { feeds } = expected("digits");
const LOAD = { feeds, options: { device: "wasm", variant: "fp32" } } as const;
const POLICY = "content-security-policy";
const STRICT =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

/** Opens the page with these headers. */
function withHeaders(headers: Record<string, string>): { readonly prepare: (site: Site) => void } {
  return { prepare: (site) => void Object.assign(site.headers, headers) };
}

/** Expects so many workers to run; the browser tells of their end a little late. */
async function expectWorkers(count: number, { tab }: Pick<Scene, "tab">): Promise<void> {
  await expect.poll(() => tab.page.workers().length).toBe(count);
}

describe("a content security policy", () => {
  scene(
    "that is strict suffices",
    async (given) => {
      const outcome = await given.tab.attempt(LOAD);
      expectWorks(outcome);
      expect(outcome.warnings).toEqual([]);
      await expectWorkers(1, given);
    },
    withHeaders({ [POLICY]: STRICT }),
  );
  scene(
    "that demands trusted types suffices",
    async (given) => {
      const outcome = await given.tab.attempt(LOAD);
      expectWorks(outcome);
      expect(outcome.warnings).toEqual([]);
      await expectWorkers(1, given);
      expectWorks(await given.tab.attempt(LOAD)); // the policy can be made only once
      await expectWorkers(2, given);
    },
    withHeaders({ [POLICY]: `${STRICT}; require-trusted-types-for 'script'; trusted-types modelpack` }),
  );
  scene(
    "that forbids WebAssembly ends in RUNTIME_INIT that names the directive",
    async ({ tab }) => {
      const outcome = (await tab.attempt(LOAD)) as Failure;
      expect(outcome.code).toBe("RUNTIME_INIT");
      expect(outcome.message).toContain("wasm-unsafe-eval");
    },
    withHeaders({ [POLICY]: STRICT.replace(" 'wasm-unsafe-eval'", "") }),
  );
  scene(
    "that forbids workers runs the model in the page, with one warning",
    async (given) => {
      const outcome = await given.tab.attempt(LOAD);
      expectWorks(outcome);
      expect(outcome.warnings.map(({ code }) => code)).toEqual(["RUNTIME_INIT"]);
      await expectWorkers(0, given);
    },
    withHeaders({ [POLICY]: STRICT.replace("worker-src 'self'", "worker-src 'none'") }),
  );
  scene(
    "that forbids requests ends in MANIFEST_FETCH",
    async ({ tab }) => {
      expect(await tab.attempt(LOAD)).toMatchObject({ code: "MANIFEST_FETCH" });
    },
    withHeaders({ [POLICY]: STRICT.replace("connect-src 'self'", "connect-src 'none'") }),
  );
});

describe("cross-origin isolation", () => {
  const isolated = withHeaders({
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
  });
  scene(
    "is used for threads where they are asked for",
    async ({ tab }) => {
      expect(await tab.page.evaluate(() => crossOriginIsolated)).toBe(true);
      expectWorks(await tab.attempt({ ...LOAD, options: { ...LOAD.options, runtime: { numThreads: 2 } } }));
    },
    isolated,
  );
  scene(
    "changes nothing where they are not",
    async ({ tab }) => expectWorks(await tab.attempt(LOAD)),
    isolated,
  );
  scene("that is absent means one thread, whatever is asked for", async ({ tab }) => {
    expect(await tab.page.evaluate(() => crossOriginIsolated)).toBe(false);
    expectWorks(await tab.attempt({ ...LOAD, options: { ...LOAD.options, runtime: { numThreads: 4 } } }));
  });
});

const WASM = /\.wasm$/;

describe("onnxruntime-web", () => {
  for (const [what, answer] of [
    ["is not published", answers.status(404)],
    ["is a web page", answers.webPage],
    ["is cut off", answers.cutWithoutLength],
    [
      "is damaged",
      answers.bytes((body) =>
        Buffer.concat([body.subarray(0, 100_000), Buffer.alloc(body.length - 100_000, 1)]),
      ),
    ],
  ] as const) {
    scene(`whose wasm ${what} ends in RUNTIME_INIT`, async ({ site, tab }) => {
      site.always(WASM, answer);
      expect(await tab.attempt(LOAD)).toMatchObject({ code: "RUNTIME_INIT" });
      await expectWorkers(0, { tab });
    });
  }
  scene("whose module is not published ends in RUNTIME_INIT", async ({ site, tab }) => {
    site.always(/ort\.wasm\.min\.mjs$/, answers.status(404));
    expect(await tab.attempt(LOAD)).toMatchObject({ code: "RUNTIME_INIT" });
  });
  scene("whose wasm never arrives ends in RUNTIME_INIT", async ({ site, tab }) => {
    site.always(WASM, answers.stalledAfter(0.1));
    const options = { ...LOAD.options, stallTimeoutMs: 200 };
    expect(await tab.attempt({ ...LOAD, options })).toMatchObject({ code: "RUNTIME_INIT", retryable: true });
  });
  scene("whose module never arrives ends in RUNTIME_INIT", async ({ site, tab }) => {
    site.always(/ort\.wasm\.min\.mjs$/, answers.silent);
    const options = { ...LOAD.options, stallTimeoutMs: 200 };
    expect(await tab.attempt({ ...LOAD, options })).toMatchObject({ code: "RUNTIME_INIT", retryable: true });
  });
  scene("whose wasm is slow is waited for", async ({ site, tab }) => {
    site.always(WASM, answers.dribbled(20, 150));
    expectWorks(await tab.attempt(LOAD));
  });
});

describe("a second visit", () => {
  const wasmInPage = () =>
    performance.getEntriesByType("resource").filter(({ name }) => /\.wasm($|\?)/.test(name)).length;

  const firstVisit = async (tab: Scene["tab"]): Promise<void> => {
    expectWorks(await tab.attempt(LOAD));
    await expect.poll(() => tab.page.evaluate(() => harness.isNoted())).toBe(true);
  };

  scene("starts onnxruntime beside the manifest, and ends it where that does not come", async (given) => {
    const { site, tab } = given;
    await firstVisit(tab);
    await tab.page.reload();
    await tab.page.waitForFunction(() => "harness" in globalThis);
    await expectWorkers(0, given);
    site.always(/manifest\.json$/, answers.silent);
    const attempt = tab.attempt({
      ...LOAD,
      abortAfterMs: 10_000,
      options: { ...LOAD.options, stallTimeoutMs: 60_000 },
    });
    await expect.poll(() => tab.page.evaluate(wasmInPage)).toBe(1);
    expect(await attempt).toMatchObject({ code: "ABORTED" });
    await expectWorkers(0, given);
  });
  scene("hands the compiled runtime to the worker", async ({ tab }) => {
    await firstVisit(tab);
    expect(await tab.page.evaluate(wasmInPage)).toBe(0);
    await tab.page.reload();
    await tab.page.waitForFunction(() => "harness" in globalThis);
    expectWorks(await tab.attempt(LOAD));
    expect(await tab.page.evaluate(wasmInPage)).toBe(1);
    const [worker] = tab.page.workers();
    expect(await worker?.evaluate(wasmInPage)).toBe(0);
  });
  scene("after onnxruntime was published anew takes the new one", async ({ tab }) => {
    await firstVisit(tab);
    const runtime = { wasmPaths: { wasm: "/ort/ort-wasm-simd-threaded.wasm?new" } };
    expectWorks(await tab.attempt({ ...LOAD, options: { ...LOAD.options, runtime } }));
    const worker = tab.page.workers().at(-1);
    expect(await worker?.evaluate(wasmInPage)).toBe(1);
  });
  scene("whose runtime is gone from where it was is no fault", async ({ site, tab }) => {
    await firstVisit(tab);
    site.script(WASM, answers.status(404));
    expectWorks(await tab.attempt(LOAD));
  });
});

describe("the worker", () => {
  const SCRIPT = /worker\.js$/;
  scene("that is not published is done without, with one warning", async (given) => {
    given.site.always(SCRIPT, answers.status(404));
    const outcome = await given.tab.attempt(LOAD);
    expectWorks(outcome);
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["RUNTIME_INIT"]);
  });
  scene("that is a web page is done without", async ({ site, tab }) => {
    site.always(SCRIPT, answers.webPage);
    expectWorks(await tab.attempt(LOAD));
  });
  scene("whose script never arrives is done without", async ({ site, tab }) => {
    site.always(SCRIPT, answers.silent);
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome);
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["RUNTIME_INIT"]);
  });
  scene("ends when the model is released", async (given) => {
    expectWorks(await given.tab.attempt(LOAD));
    await expectWorkers(1, given);
    await given.tab.page.evaluate(() => harness.release());
    await expectWorkers(0, given);
    expect(await given.tab.again(feeds)).toMatchObject({ code: "USAGE" });
  });
  scene("is not needed", async (given) => {
    expectWorks(await given.tab.attempt({ ...LOAD, options: { ...LOAD.options, worker: false } }));
    await expectWorkers(0, given);
  });
});

describe("a variant", () => {
  /** The pack with a variant before the others whose graph is an asset: no model at all. */
  const withBrokenFirst = (site: Site): void => {
    const manifest = JSON.parse(readFileSync(packFile("stored", "manifest.json"), "utf8"));
    const { digits } = manifest.models;
    const right = digits.variants.find((variant: { id: string }) => variant.id === "fp32");
    const junk = Buffer.from("this is no model");
    const hash = createHash("sha256").update(junk).digest("hex");
    manifest.chunks.push({ hash, size: junk.length });
    const file = {
      size: junk.length,
      hash,
      type: "application/octet-stream",
      parts: [manifest.chunks.length - 1],
    };
    manifest.files["digits@broken/model.onnx"] = file;
    const size = { decoded: junk.length, transfer: junk.length };
    const broken = { ...right, id: "broken", graph: "digits@broken/model.onnx", externalData: [], size };
    digits.variants.unshift(broken);
    site.put("/models/manifest.json", JSON.stringify(manifest));
    site.put(`/models/c/${hash}.bin`, junk);
  };
  const load = { feeds, options: { device: "wasm" } } as const;

  scene("whose session cannot be created is stepped over", async ({ site, tab }) => {
    withBrokenFirst(site);
    const outcome = await tab.attempt(load);
    expectWorks(outcome);
    expect(outcome.steppedDown).toEqual(["broken: SESSION_CREATE"]);
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["SESSION_CREATE"]);
    expect(outcome.progress.at(-1)).toMatchObject({ fraction: 1, phase: "done" });
  });
  scene(
    "whose session cannot be created ends in SESSION_CREATE where stepping down is not wanted",
    async ({ site, tab }) => {
      withBrokenFirst(site);
      expect(await tab.attempt({ ...load, options: { device: "wasm", fallback: false } })).toMatchObject({
        code: "SESSION_CREATE",
      });
      await expectWorkers(0, { tab });
    },
  );
  scene("for WebGPU is not chosen without it", async ({ tab }) => {
    const outcome = await tab.attempt({ feeds });
    expectWorks(outcome);
    expect(outcome.device).toBe("wasm");
  });
  scene("for WebGPU that is insisted on ends in NO_VARIANT", async ({ tab }) => {
    const outcome = (await tab.attempt({ options: { device: "webgpu" } })) as Failure;
    expect(outcome.code).toBe("NO_VARIANT");
    expect(outcome.message).toContain("no WebGPU here");
  });
  scene("too large for the visitor's wish ends in NO_VARIANT", async ({ site, tab }) => {
    expect(await tab.attempt({ options: { maxDownloadBytes: 10 } })).toMatchObject({ code: "NO_VARIANT" });
    expect(site.chunkRequests()).toEqual([]);
  });
  scene("that is stored goes before a better one", async ({ tab }) => {
    expectWorks(await tab.attempt({ feeds, options: { device: "wasm", variant: "fp32" } }));
    const outcome = await tab.attempt({ feeds, options: { device: "wasm" } });
    expectWorks(outcome);
    expect(outcome.variant).toBe("fp32");
    expect(await tab.attempt({ does: "plan", options: { device: "wasm", prefer: "best" } })).toMatchObject({
      variant: "q8",
    });
  });
});

describe("memory", () => {
  scene("that cannot be had for the weights ends in OUT_OF_MEMORY", async ({ site, tab }) => {
    const manifest = JSON.parse(readFileSync(packFile("stored", "manifest.json"), "utf8"));
    const { digits } = manifest.models;
    const variant = digits.variants.find(({ id }: { id: string }) => id === "fp32");
    const file = manifest.files[variant.externalData[0].file];
    const position = file.parts.find((part: unknown) => typeof part === "number");
    const { size } = manifest.chunks[position];
    const added = 100_000;
    file.parts.push(...Array.from({ length: added }, () => position)); // some 20 GB
    file.size += added * size;
    variant.size.decoded += added * size;
    site.put("/models/manifest.json", JSON.stringify(manifest));
    expect(await tab.attempt({ options: { device: "wasm", variant: "fp32" } })).toMatchObject({
      code: "OUT_OF_MEMORY",
    });
    await expectWorkers(0, { tab });
  });
  scene("that cannot be had for a run ends in OUT_OF_MEMORY, and the model still runs", async ({ tab }) => {
    const ref = { manifestUrl: "/models/manifest.json", model: "greedy" };
    const shape = (rows: number) => ({ shape: { type: "int64", data: [rows, 2], dims: [2] } });
    expect(await tab.attempt({ ref, feeds: shape(2) })).toMatchObject({ code: "OK", output: [0, 0, 0, 0] });
    // Seven megabytes less than WebAssembly can address.
    expect(await tab.again(shape(536_000_000))).toMatchObject({ code: "OUT_OF_MEMORY" });
    expect(await tab.again(shape(1))).toMatchObject({ code: "OK", output: [0, 0] });
  });
});
