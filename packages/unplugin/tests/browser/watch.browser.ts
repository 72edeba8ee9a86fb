/** webpack and Rspack in watch mode with a real watcher: they build again when another model is published, and show what is wrong. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rspack } from "@rspack/core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import webpack from "webpack";
import { serveFolder } from "../../../../examples/digits-web/tests/server.ts";
import { launchChromium } from "../../../loader/tests/browser/support/chromium.ts";
import forRspack from "../../dist/rspack.js";
import forWebpack from "../../dist/webpack.js";
import { configuration, SCRIPT, stageApp, writePage } from "./bundlers.ts";
import { answerOf } from "./page.ts";

const LIMIT = { timeout: 120_000, interval: 200 };
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

interface Stats {
  toJson(options: object): { readonly errors?: readonly { readonly message?: string }[] };
}

/** What `webpack --watch` does: `done` hears of every compilation. The result ends it. */
type Watch = (app: string, done: (stats: Stats) => void) => () => Promise<void>;

const WATCHES: Readonly<Record<string, Watch>> = {
  webpack: (app, done) => {
    const compiler = webpack({ ...settings(app), plugins: [forWebpack()] });
    compiler.watch({}, (error, stats) => stats && !error && done(stats));
    return () => new Promise((resolve) => compiler.close(() => resolve()));
  },
  Rspack: (app, done) => {
    const compiler = rspack({ ...settings(app), plugins: [forRspack()] });
    compiler.watch({}, (error, stats) => stats && !error && done(stats));
    return () => new Promise((resolve) => compiler.close(() => resolve()));
  },
};

/** The page is written beside, once. */
function settings(app: string): object {
  return {
    ...configuration(app),
    mode: "development",
    output: { path: join(app, "dist"), filename: "main.js" },
  };
}

for (const [name, watch] of Object.entries(WATCHES)) {
  describe(`${name}, watching`, () => {
    test("builds again with a new model, shows what is wrong, and recovers", async () => {
      const app = stageApp(`watch-${name}`);
      const configure = (before: string, after: string): void => {
        const path = join(app, "modelpack.toml");
        writeFileSync(path, readFileSync(path, "utf8").replace(before, after));
      };
      let errors: readonly string[] | undefined;
      const close = watch(app, (stats) => {
        const found = stats.toJson({ all: false, errors: true }).errors ?? [];
        errors = found.map(({ message }) => message ?? "");
      });
      writePage(join(app, "dist"), SCRIPT);
      await using server = await serveFolder(join(app, "dist"));
      const page = await browser.newPage();
      const variant = async (): Promise<string | undefined> => {
        if (errors?.length !== 0) return errors?.join();
        await page.goto(server.url);
        return (await answerOf(page).catch(() => undefined))?.variant;
      };
      await expect.poll(variant, LIMIT).toBe("q8");

      configure("q8 = {", "fp32 = {");
      await expect.poll(variant, LIMIT).toBe("fp32");

      configure('source = "digits.onnx"', 'source = "gone.onnx"');
      const wrong = 'gone.onnx: no such file; did you mean "digits.onnx"?';
      await expect.poll(() => errors?.join(), LIMIT).toContain(wrong);

      copyFileSync(join(app, "digits.onnx"), join(app, "gone.onnx"));
      configure("fp32 = {", "q8 = {");
      await expect.poll(variant, LIMIT).toBe("q8");
      await page.close();
      await close();
    });
  });
}
