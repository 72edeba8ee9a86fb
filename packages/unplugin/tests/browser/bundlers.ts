/** The same application, built by each bundler as its users build. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { rspack } from "@rspack/core";
import esbuild, { type BuildOptions } from "esbuild";
import { rollup } from "rollup";
import { build as viteBuild } from "vite";
import webpack from "webpack";
import forEsbuild from "../../dist/esbuild.js";
import forRollup from "../../dist/rollup.js";
import forRspack from "../../dist/rspack.js";
import forVite from "../../dist/vite.js";
import forWebpack from "../../dist/webpack.js";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));
const MODEL = join(PACKAGE, "../../examples/monorepo/packages/models/digits.onnx");

/** A fresh copy of tests/app, in a folder from which the packages are found. */
export function stageApp(name: string): string {
  const folder = join(PACKAGE, ".browser", name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(PACKAGE, "tests/app"), folder, { recursive: true });
  cpSync(MODEL, join(folder, "digits.onnx"));
  return folder;
}

/** Builds the application in `app` to a folder, which is returned. */
export type Bundle = (app: string) => Promise<string>;

/** What `webpack` and `rspack` are both given. */
export function configuration(app: string): object {
  return {
    context: app,
    mode: "production",
    entry: "./main.js",
    output: { path: join(app, "dist"), filename: "main.js", clean: true },
  };
}

/** A page for bundlers that do not know pages. */
export function writePage(dist: string, script: string): string {
  mkdirSync(dist, { recursive: true });
  writeFileSync(
    join(dist, "index.html"),
    `<!doctype html><link rel="icon" href="data:,"><title>.</title>${script}`,
  );
  return dist;
}

const MODULE = '<script type="module" src="main.js"></script>';
export const SCRIPT = '<script defer src="main.js"></script>';

async function vite(app: string, base: string): Promise<string> {
  await viteBuild({ root: app, base, configFile: false, logLevel: "error", plugins: [forVite()] });
  return join(app, "dist");
}

async function withWebpack(app: string): Promise<string> {
  const compiler = webpack({ ...configuration(app), plugins: [forWebpack()] });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  if (!stats || stats.hasErrors()) throw new Error(stats?.toString());
  return writePage(join(app, "dist"), SCRIPT);
}

async function withRspack(app: string): Promise<string> {
  const compiler = rspack({ ...configuration(app), plugins: [forRspack()] });
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  if (!stats || stats.hasErrors()) throw new Error(stats?.toString({}));
  return writePage(join(app, "dist"), SCRIPT);
}

async function withRollup(app: string): Promise<string> {
  const dist = join(app, "dist");
  const plugins = [forRollup({ root: app }), nodeResolve({ browser: true })];
  const bundle = await rollup({ input: join(app, "main.js"), plugins });
  await bundle.write({ dir: dist, chunkFileNames: "chunks/deep/[name]-[hash].js", sourcemap: true });
  await bundle.close();
  return writePage(dist, MODULE);
}

async function withEsbuild(app: string, options: BuildOptions): Promise<string> {
  const dist = join(app, "dist");
  await esbuild.build({
    absWorkingDir: app,
    entryPoints: ["main.js"],
    outdir: dist,
    bundle: true,
    minify: true,
    sourcemap: true,
    plugins: [forEsbuild()],
    ...options,
  });
  return writePage(dist, options.format === "esm" ? MODULE : SCRIPT);
}

export const BUNDLERS: Readonly<Record<string, Bundle>> = {
  "Vite, at the root": (app) => vite(app, "/"),
  "Vite, in any folder": (app) => vite(app, "./"),
  webpack: withWebpack,
  Rspack: withRspack,
  Rollup: withRollup,
  "esbuild, modules": (app) =>
    withEsbuild(app, { format: "esm", splitting: true, chunkNames: "chunks/[name]-[hash]" }),
  "esbuild, a script": (app) => withEsbuild(app, { format: "iife" }),
};
