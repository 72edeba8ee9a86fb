/** The page of `modelpack dev` in a real Chromium, with the real loader and onnxruntime-web. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../../../loader/tests/browser/support/chromium.ts";
import { type Dev, openDev } from "./dev.ts";

const LIMIT_MS = 200_000; // machines are slow at times
let dev: Dev;
let browser: Browser;

beforeAll(async () => {
  [dev, browser] = await Promise.all([openDev(), launchChromium()]);
});

afterAll(async () => {
  await browser?.close();
  await dev?.[Symbol.asyncDispose]();
});

async function open(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(LIMIT_MS);
  await page.goto(dev.url);
  await page.waitForSelector(".variant");
  return page;
}

async function loadVariant(
  page: Page,
  name: RegExp,
  ...conditions: readonly string[]
): Promise<string | null> {
  await page.getByRole("button", { name }).click();
  for (const condition of conditions) await page.getByRole("button", { name: condition }).click();
  await page.getByRole("button", { name: "Load", exact: true }).click();
  const ended = '.progress[data-state="done"], .progress[data-state="failed"]';
  return (await page.waitForSelector(ended)).getAttribute("data-state");
}

test("the page lists every variant, and runs one on a golden sample", async () => {
  const page = await open();
  expect(await page.locator(".variant .name").allTextContents()).toEqual(["fp16", "q8", "fp32"]);
  expect(await page.locator("#status").textContent()).toBe("ready");
  expect(await loadVariant(page, /^q8/)).toBe("done");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.waitForSelector(".latency");
  expect(await page.locator(".output h4").allTextContents()).toEqual(["logitsfloat32 [1, 10]"]);
  expect(await page.locator(".scores dt").count()).toBe(8);
  await page.selectOption("#source", "generated");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.waitForSelector(".latency");
});

test("trouble is simulated: corrupt bytes fail or are asked for again, a full storage is said", async () => {
  const always = await open();
  expect(await loadVariant(always, /^q8/, "Corrupt chunk, always")).toBe("failed");
  expect(await always.locator(".log").textContent()).toContain("CHUNK_INTEGRITY");
  const once = await open();
  expect(await loadVariant(once, /^q8/, "Corrupt chunk, once", "Storage full", "No WebGPU")).toBe("done");
  expect(await once.locator(".log").textContent()).toContain("QUOTA");
});

test("a build that changed something shows at once, and a broken configuration keeps the last", async () => {
  const page = await open();
  const config = join(dev.project, "modelpack.toml");
  const text = readFileSync(config, "utf8");
  writeFileSync(config, `${text}q4 = { device = "wasm" }\n`);
  await page.waitForFunction(() => document.querySelectorAll(".variant").length === 4);
  writeFileSync(config, `${text}q4 = `);
  await page.waitForSelector("#trouble:not([hidden])");
  expect(await page.locator("#trouble").textContent()).toContain("MP-E110");
  expect(await page.locator(".variant").count()).toBe(4);
  writeFileSync(config, text);
  await page.waitForFunction(() => document.querySelectorAll(".variant").length === 3);
});
