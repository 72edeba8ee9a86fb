/** What each bundler makes of the same application, looked at on the disk and opened in a real Chromium. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveFolder } from "../../../../examples/digits-web/tests/server.ts";
import { launchChromium } from "../../../loader/tests/browser/support/chromium.ts";
import { BUNDLERS, stageApp } from "./bundlers.ts";
import { answerOf, untilFetched } from "./page.ts";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

function filesIn(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

for (const [name, bundle] of Object.entries(BUNDLERS)) {
  describe(name, () => {
    let dist: string;

    beforeAll(async () => {
      dist = await bundle(stageApp(name.replaceAll(/\W+/g, "-")));
    });

    test("publishes the pack as it is, and one copy of one onnxruntime", () => {
      const files = filesIn(dist);
      const chunks = files.filter((path) => path.includes("/models/c/"));
      expect(chunks.length).toBeGreaterThan(0);
      for (const chunk of chunks.filter((path) => /\/\w+\.bin$/.test(path)))
        expect(basename(chunk)).toBe(`${sha256(chunk)}.bin`);
      const wasm = files.filter((path) => path.endsWith(".wasm")).map((path) => basename(path));
      expect(wasm.sort()).toEqual(["ort-wasm-simd-threaded.rest.wasm", "ort-wasm-simd-threaded.wasm"]);
      // Neither weights nor wasm in the scripts.
      const scripts = files.filter((path) => /\.js$/.test(path));
      expect(Math.max(...scripts.map((path) => readFileSync(path).length))).toBeLessThan(200_000);
    });

    test("runs the pinned model, and has fetched the others that are wanted", async () => {
      await using server = await serveFolder(dist);
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => void errors.push(String(error)));
      await page.goto(server.url);
      const { reference, variant, logits } = await answerOf(page);
      const manifest = join(dist, "models", basename(reference.manifestUrl));
      expect(basename(manifest)).toBe(`manifest.${reference.sha256.slice(0, 16)}.json`);
      expect(sha256(manifest)).toBe(reference.sha256);
      expect(reference.model).toBe("digits");
      expect(variant).toBe("q8");
      expect(logits).toHaveLength(10);
      await untilFetched(page);
      expect(errors).toEqual([]);
      await page.close();
    });
  });
}
