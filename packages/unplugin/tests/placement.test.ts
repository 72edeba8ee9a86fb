import { describe, expect, test } from "vitest";
import { besideChunk, isInside, packPath, resolveRoots } from "../src/placement.ts";

describe("packPath", () => {
  for (const [folder, publicDir, expected] of [
    ["/app/public/models", "/app/public", "models"],
    ["/app/static/ai/models", "/app/static", "ai/models"],
    ["/app/public/ai/models", undefined, "ai/models"],
    ["/other/public/models", "/app/public", "models"],
    ["/app/packed", "/app/public", "packed"],
    ["/app/public", undefined, "public"],
  ] as const) {
    test(`${folder} beside ${publicDir} is ${expected}`, () => {
      expect(packPath(folder, publicDir)).toBe(expected);
    });
  }
});

describe("resolveRoots", () => {
  const code = `const a = ${besideChunk("models/manifest.json")};`;
  const addressFrom = (chunk: string): string => {
    const [, path = ""] = /"([^"]*)"/.exec(resolveRoots(code, chunk) ?? "") ?? [];
    return new URL(path, `https://site/app/${chunk}`).href;
  };

  for (const chunk of ["main.js", "assets/main.js", "a/b/main.js", "a/b/c/d/e/f/g/main.js"]) {
    test(`leads from ${chunk} to the root, in as many characters`, () => {
      expect(addressFrom(chunk)).toBe("https://site/app/models/manifest.json");
      expect(resolveRoots(code, chunk)).toHaveLength(code.length);
    });
  }

  test("leaves other code alone", () => {
    expect(resolveRoots("const a = 1;", "main.js")).toBeUndefined();
  });
});

test("isInside knows siblings with the same beginning", () => {
  expect(isInside("/app/models/c/a.bin", "/app/models")).toBe(true);
  expect(isInside("/app/models-secret/a.bin", "/app/models")).toBe(false);
  expect(isInside("/app/models", "/app/models")).toBe(false);
});
