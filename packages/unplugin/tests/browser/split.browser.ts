/** onnxruntime in two files, in a real Chromium: the second is fetched when one of its functions is called, and not before. */
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { serveFolder } from "../../../../examples/digits-web/tests/server.ts";
import { launchChromium } from "../../../loader/tests/browser/support/chromium.ts";
import { loaderFolder, readRuntime } from "../../dist/runtime.js";
import { BUNDLERS, stageApp } from "./bundlers.ts";
import { type Answer, answerOf } from "./page.ts";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));
let browser: Browser;
let dist: string;
// Before its graph is improved, a model has operators that the profile never saw.
const UNKNOWN = { sessionOptions: { graphOptimizationLevel: "disabled", enableProfiling: true } };
const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

beforeAll(async () => {
  browser = await launchChromium();
  dist = await (BUNDLERS["Vite, at the root"] ?? expect.unreachable())(stageApp("split"));
});

afterAll(() => browser.close());

interface Visit {
  readonly page: Page;
  /** The names of the WebAssembly files that were asked for. */
  readonly asked: string[];
}

async function visit(url: string): Promise<Visit> {
  const context = await browser.newContext();
  const asked: string[] = [];
  context.on("request", (request) => {
    const found = /[^/]+\.wasm$/.exec(request.url());
    if (found) asked.push(found[0]);
  });
  const page = await context.newPage();
  await page.goto(url);
  return { page, asked };
}

const answerWith = (page: Page, options: object): Promise<Answer> =>
  page.evaluate(
    (given) => (globalThis as unknown as { answer: (options: object) => Promise<Answer> }).answer(given),
    options,
  );

test("a page that does what the models do fetches the first file alone", async () => {
  await using server = await serveFolder(dist);
  const { page, asked } = await visit(server.url);
  await answerOf(page);
  expect(asked).toEqual(["ort-wasm-simd-threaded.wasm"]);
  await page.context().close();
});

test("a function of the second file is there when it is called", async () => {
  await using server = await serveFolder(dist);
  const { page, asked } = await visit(server.url);
  const { logits } = await answerOf(page);
  expect((await answerWith(page, UNKNOWN)).logits).toEqual(logits);
  expect(asked).toContain("ort-wasm-simd-threaded.rest.wasm");
  await page.context().close();
});

test("a page that runs models itself, and may not wait, has both files", async () => {
  await using server = await serveFolder(dist);
  const { page, asked } = await visit(server.url);
  const { logits } = await answerOf(page);
  expect((await answerWith(page, { ...UNKNOWN, worker: false })).logits).toEqual(logits);
  expect(asked).toContain("ort-wasm-simd-threaded.rest.wasm");
  await page.context().close();
});

test("threads find the second file, too", async () => {
  await using server = await serveFolder(dist, ISOLATED);
  const { page } = await visit(server.url);
  const { logits } = await answerOf(page);
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  const threaded = { ...UNKNOWN, worker: false, runtime: { numThreads: 2 } };
  expect((await answerWith(page, threaded)).logits).toEqual(logits);
  await page.context().close();
});

for (const [name, spoil, message] of [
  ["is not published", (path: string) => rmSync(path), "answers 404"],
  ["is cut short", (path: string) => writeFileSync(path, "\0asm"), "has 4 bytes, expected"],
] as const) {
  test(`a second file that ${name} fails the call that needs it, and says so`, async () => {
    const copy = `${dist}-${name.replaceAll(" ", "-")}`;
    rmSync(copy, { recursive: true, force: true });
    cpSync(dist, copy, { recursive: true });
    const files = readdirSync(copy, { recursive: true, encoding: "utf8" });
    spoil(join(copy, files.find((path) => path.endsWith(".rest.wasm")) ?? expect.unreachable()));
    await using server = await serveFolder(copy);
    const { page } = await visit(server.url);
    expect((await answerOf(page)).logits).toHaveLength(10);
    const failing = answerWith(page, { ...UNKNOWN, fallback: false });
    await expect(failing).rejects.toThrow(message);
    await page.context().close();
  });
}

test("readRuntime leaves onnxruntime in one file where a model does not run, and says so", async () => {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const wasmVariants = [{ model: "gone", variant: "q8", digest: "a" }];
  const called = { manifestPath: join(PACKAGE, "gone/manifest.json"), wasmVariants };
  const needs = { devices: ["wasm"], packed: undefined, called };
  const { files } = await readRuntime({ root: PACKAGE, loader: loaderFolder(PACKAGE) ?? "" }, needs, "");
  expect(files.map(({ path }) => basename(path)).slice(2)).toEqual([
    "ort.wasm.js",
    "ort-wasm-simd-threaded.wasm",
  ]);
  expect(said.mock.calls.join()).toMatch(/^modelpack: ort-wasm-simd-threaded.wasm stays in one file: .*gone/);
});
