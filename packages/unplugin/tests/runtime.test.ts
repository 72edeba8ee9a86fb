import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loaderFolder, readRuntime, useRuntime } from "../src/runtime.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const addressOf = (path: string): string => JSON.stringify(`/${path}`);

test("readRuntime takes the builds that the devices need, and no other", async () => {
  const loader = loaderFolder(ROOT) ?? "";
  const names = async (...devices: string[]): Promise<string[]> =>
    (await readRuntime({ root: ROOT, loader }, { devices, packed: undefined }, "assets/")).files.map(
      ({ path }) => basename(path),
    );
  expect(await names("wasm")).toEqual([
    "worker.js",
    "zstd-worker.js",
    "ort.wasm.js",
    "ort-wasm-simd-threaded.wasm",
  ]);
  expect(await names("webnn")).toEqual(await names("webgpu")); // both are in one build
  expect(await names("webgpu", "webnn")).toEqual(await names("webgpu"));
  expect(await names("webgpu")).toEqual([
    "worker.js",
    "zstd-worker.js",
    "ort.webgpu.js",
    "ort-wasm-simd-threaded.asyncify.wasm",
  ]);
});

test("readRuntime leaves out the wasm that the pack has, if the page will use it", async () => {
  const loader = loaderFolder(ROOT) ?? "";
  const folder = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
  const { version } = JSON.parse(readFileSync(join(folder, "../package.json"), "utf8")) as {
    version: string;
  };
  const names = async (packed: string): Promise<string[]> => {
    const needs = { devices: ["wasm", "webgpu"], packed: { version: packed, devices: ["webgpu"] } };
    return (await readRuntime({ root: ROOT, loader }, needs, "")).files.map(({ path }) => basename(path));
  };
  const own = ["worker.js", "zstd-worker.js", "ort.wasm.js", "ort-wasm-simd-threaded.wasm", "ort.webgpu.js"];
  expect(await names(version)).toEqual(own);
  expect(await names("0.0.0")).toEqual([...own, "ort-wasm-simd-threaded.asyncify.wasm"]);
});

test("readRuntime makes the worker import what lies beside it", async () => {
  const { files, path } = await readRuntime(
    { root: ROOT, loader: loaderFolder(ROOT) ?? "" },
    { devices: ["wasm"], packed: undefined },
    "assets/",
  );
  expect(path).toMatch(/^assets\/modelpack-[0-9a-f]{16}$/);
  const worker = String(files[0]?.source instanceof Uint8Array && Buffer.from(files[0].source));
  expect(worker).toContain('import("./ort.wasm.js")');
  expect(worker).not.toContain("onnxruntime-web/wasm");
});

test("useRuntime replaces the worker and the imports, and nothing else", () => {
  const runtime = { path: "modelpack-ab", files: [] };
  const code =
    'new Worker(new URL("./worker.js",import.meta.url),{});new Worker(new URL("./zstd-worker.js",import.meta.url),{});await import("onnxruntime-web/wasm")';
  expect(useRuntime(code, runtime, addressOf)).toBe(
    'new Worker(modelpackFile("worker.js"),{});new Worker(modelpackFile("zstd-worker.js"),{});await import(/* webpackIgnore: true */ /* @vite-ignore */ modelpackFile("ort.wasm.js"))' +
      '\nfunction modelpackFile(name) { return "/modelpack-ab/" + name; }\n',
  );
  expect(useRuntime("const a = 1;", runtime, addressOf)).toBeUndefined();
});

test("loaderFolder is undefined where the loader is not installed", () => {
  expect(loaderFolder("/")).toBeUndefined();
});
