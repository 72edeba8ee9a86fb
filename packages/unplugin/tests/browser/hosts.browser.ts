/** What a host does not take: onnxruntime's wasm for WebGPU on Cloudflare Pages, unless it is in the pack. */
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { serveFolder } from "../../../../examples/digits-web/tests/server.ts";
import { launchChromium } from "../../../loader/tests/browser/support/chromium.ts";
import { BUNDLERS, stageApp } from "./bundlers.ts";
import { answerOf } from "./page.ts";

test("a file over the host's limit fails the build, and is published in chunks where that is asked for", async () => {
  const app = stageApp("hosts");
  const config = join(app, "modelpack.toml");
  const text = readFileSync(config, "utf8")
    .replace("[output]", '[output]\nhost = "cloudflare-pages"\ncompression = "none"')
    .replace("q8 = {", 'fp16 = { device = "webgpu" }\nq8 = {');
  writeFileSync(config, text);
  const build = BUNDLERS["Vite, in any folder"] ?? expect.unreachable();
  await expect(build(app)).rejects.toThrow(
    "ort-wasm-simd-threaded.asyncify.wasm has 26.8 MB, and cloudflare-pages takes files up to 26.2 MB; " +
      'publish it in chunks: [runtime] package = "onnxruntime-web" in modelpack.toml',
  );

  appendFileSync(config, '\n[runtime]\npackage = "onnxruntime-web"\n');
  const dist = await build(app);
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" });
  expect(files.filter((path) => path.endsWith(".wasm"))).toEqual([]);
  expect(readFileSync(join(dist, "_headers"), "utf8")).toContain("/models/c/*\n");

  await using server = await serveFolder(dist);
  const browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(server.url);
  expect((await answerOf(page)).logits).toHaveLength(10);
  await browser.close();
});
