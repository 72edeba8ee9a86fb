import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPack } from "../src/pack.ts";

const folder = mkdtempSync(join(tmpdir(), "modelpack-unplugin-"));

function manifest(text: string): string {
  const path = join(folder, "manifest.json");
  writeFileSync(path, text);
  return path;
}

test("readPack says what pages need", async () => {
  const variants = [
    { id: "fp16", device: "webgpu", digest: "a" },
    { id: "q8", device: "wasm", digest: "b" },
    { id: "fp32", device: "wasm", digest: "c" },
  ];
  const models = { m: { load: "eager", variants }, n: { variants: [] } };
  expect(await readPack(manifest(JSON.stringify({ manifestVersion: 1, models })))).toMatchObject({
    folder,
    manifestName: "manifest.b7145e701d4bb786.json",
    models: { m: { load: "eager", devices: ["webgpu", "wasm"] }, n: { load: "lazy", devices: [] } },
    wasmVariants: [
      { model: "m", variant: "q8", digest: "b" },
      { model: "m", variant: "fp32", digest: "c" },
    ],
    runtime: undefined,
  });
  const runtime = { package: "onnxruntime-web", version: "1.30.0", builds: { wasm: "a" } };
  expect(await readPack(manifest(JSON.stringify({ manifestVersion: 1, models, runtime })))).toMatchObject({
    runtime: { version: "1.30.0", devices: ["wasm"] },
  });
});

test("readPack refuses what a later modelpack wrote", async () => {
  await expect(readPack(manifest('{"manifestVersion":2}'))).rejects.toThrow(
    "has version 2, expected 1; install the @modelpack/unplugin that belongs to your modelpack",
  );
});

test("readPack says what to do where nothing is published", async () => {
  await expect(readPack(join(folder, "none.json"))).rejects.toThrow("cannot be read; run `modelpack build`");
});
