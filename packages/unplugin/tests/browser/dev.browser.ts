/** Vite's dev server with a real watcher: the page is reloaded when another model is published. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../../../loader/tests/browser/support/chromium.ts";
import vitePlugin from "../../dist/vite.js";
import { stageApp } from "./bundlers.ts";
import { answerOf } from "./page.ts";

let browser: Browser;
let server: ViteDevServer;
let address: string;
const app = stageApp("dev");

beforeAll(async () => {
  // In this process Vite would be taken for Vitest's own.
  delete process.env["VITEST"];
  browser = await launchChromium();
  server = await createServer({
    root: app,
    configFile: false,
    logLevel: "error",
    server: { host: "127.0.0.1", port: 0 },
    plugins: [vitePlugin()],
  });
  await server.listen();
  address = server.resolvedUrls?.local[0] ?? "";
});

afterAll(async () => {
  await server.close();
  await browser.close();
});

function configure(change: (text: string) => string): void {
  const path = join(app, "modelpack.toml");
  writeFileSync(path, change(readFileSync(path, "utf8")));
}

/** The page's answer once it is one with this variant. */
async function untilVariant(page: Page, variant: string): Promise<void> {
  await expect
    .poll(async () => (await answerOf(page).catch(() => undefined))?.variant, { timeout: 120_000 })
    .toBe(variant);
}

test("runs the model, reloads with a new one, says what is wrong, and recovers", async () => {
  const page = await browser.newPage();
  await page.goto(address);
  await untilVariant(page, "q8");

  configure((text) => text.replace("q8 = {", "fp32 = {"));
  await untilVariant(page, "fp32");

  configure((text) => text.replace('source = "digits.onnx"', 'source = "gone.onnx"'));
  const message = page.locator("vite-error-overlay .message-body");
  await message.waitFor({ timeout: 120_000 });
  expect(await message.textContent()).toContain('gone.onnx: no such file; did you mean "digits.onnx"?');

  copyFileSync(join(app, "digits.onnx"), join(app, "gone.onnx"));
  configure((text) => text.replace("fp32 = {", "q8 = {"));
  await untilVariant(page, "q8");
  await page.close();
});

test("answers 404 for what is not published, never a page", async () => {
  for (const path of [
    "models/c/none.bin",
    "models/manifest.0.json",
    "models/",
    "models/..%2fmodelpack.toml",
  ]) {
    const response = await fetch(new URL(path, address));
    expect([response.status, response.headers.get("content-type")]).toEqual([404, "text/plain"]);
  }
});
