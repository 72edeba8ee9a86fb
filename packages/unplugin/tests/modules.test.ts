import { describe, expect, test } from "vitest";
import { hintsModule, type ModuleContext, referenceModule } from "../src/modules.ts";
import type { Load, Pack } from "../src/pack.ts";

function packOf(loads: Readonly<Record<string, Load>>): Pack {
  const models = Object.fromEntries(
    Object.entries(loads).map(([id, load]) => [id, { load, devices: ["wasm"] }]),
  );
  return {
    folder: "/p",
    manifestPath: "/p/manifest.json",
    manifestName: "manifest.ab.json",
    sha256: "ab",
    models,
    wasmVariants: [],
    runtime: undefined,
  };
}

function contextOf(pack: Pack, fetchesItself = false): ModuleContext {
  return { pack, packPath: "models", addressOf: (path) => JSON.stringify(`/${path}`), fetchesItself };
}

describe("referenceModule", () => {
  test("pins the manifest that never changes", () => {
    expect(referenceModule("t5.encoder", contextOf(packOf({ "t5.encoder": "lazy" })))).toBe(
      'const reference = Object.freeze({ "manifestUrl": "/models/manifest.ab.json", "sha256":"ab","model":"t5.encoder"});\n' +
        "export default reference;\n",
    );
  });

  test("names the models that there are", () => {
    const pack = packOf({ minilm: "lazy", digits: "lazy" });
    expect(() => referenceModule("digit", contextOf(pack))).toThrow(
      'modelpack.toml has no model "digit"; it has digits, minilm',
    );
    expect(() => referenceModule("constructor", contextOf(pack))).toThrow("has no model");
  });

  test("fetches an eager model where nothing else does", () => {
    const pack = packOf({ m: "eager" });
    expect(referenceModule("m", contextOf(pack, true))).toContain(
      "for (const each of [reference]) preload(each, options)",
    );
    expect(referenceModule("m", contextOf(pack))).not.toContain("preload");
  });
});

describe("hintsModule", () => {
  test("is empty where every model is lazy", () => {
    expect(hintsModule(packOf({ a: "lazy", b: "lazy" }))).toBe("");
  });

  test("fetches eager models at once and idle ones later", () => {
    const code = hintsModule(packOf({ a: "idle", b: "lazy", c: "eager", d: "idle" }));
    expect(code).toContain('import model0 from "modelpack:a";\nimport model1 from "modelpack:c";\n');
    expect(code).toContain("if (globalThis.document) for (const each of [model1]) preload(each, options)");
    expect(code).toContain("for (const each of [model0, model2]) preload(each)");
    expect(code).not.toContain("modelpack:b");
  });
});
