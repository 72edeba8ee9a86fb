/** The files that are published: built once into a folder of their own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "modelpack-built-"));
const built = (name: string): string => readFileSync(join(folder, name), "utf8");

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, "scripts", "build.mjs"), folder]);
});

describe("the built files", () => {
  test("stay within their budgets", () => {
    const output = execFileSync(process.execPath, [join(ROOT, "scripts", "size.mjs"), folder], {
      encoding: "utf8",
    });
    expect(output.trim().split("\n")).toHaveLength(3); // it exits with 1 above a budget
  });

  test.each(["index", "worker", "node", "transformers", "zstd", "zstd-worker"])(
    "%s is imported on a server, and does nothing there",
    (name) => {
      const address = pathToFileURL(join(folder, `${name}.js`)).href;
      // Whatever a browser would offer is made to fail when touched.
      const script = `
      for (const name of ["window", "document", "caches", "navigator", "location", "indexedDB", "Worker", "fetch"])
        Object.defineProperty(globalThis, name, { get() { throw new Error("touched " + name); }, configurable: true });
      ${name === "worker" ? "globalThis.postMessage = () => {}; globalThis.addEventListener = () => {};" : ""}
      await import(${JSON.stringify(address)});
      console.log("imported");`;
      expect(
        execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }),
      ).toBe("imported\n");
    },
  );

  test("hold nothing that a strict policy forbids", () => {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".js"))) {
      expect(built(name), name).not.toMatch(
        /\beval\(|new Function|innerHTML|document\.write|importScripts|createElement/,
      );
    }
  });

  test("import nothing but each other and onnxruntime-web", () => {
    const found = new Set<string>();
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".js") && file !== "node.js")) {
      for (const [, specifier = ""] of built(name).matchAll(
        /(?:\bfrom|\bimport)\s*\(?\s*["'`]([^"'`]+)["'`]/g,
      )) {
        if (!specifier.startsWith("./")) found.add(specifier);
      }
    }
    expect([...found].sort()).toEqual(["onnxruntime-web/wasm", "onnxruntime-web/webgpu"]);
  });

  test("name the worker in the form that bundlers follow", () => {
    const session = readdirSync(folder).find((name) => /^session-.*\.js$/.test(name)) ?? "";
    expect(built(session)).toContain('new Worker(new URL("./worker.js",import.meta.url)');
    const decode = readdirSync(folder).find((name) => /^decode-.*\.js$/.test(name)) ?? "";
    expect(built(decode)).toContain('new Worker(new URL("./zstd-worker.js",import.meta.url)');
    const attach = readdirSync(folder).find((name) => /^attach-.*\.js$/.test(name)) ?? "";
    expect(built(attach)).toContain('new SharedWorker(new URL("./worker.js",import.meta.url)');
  });

  test("keep the licence of the decoder", () => {
    for (const name of ["zstd.js", "zstd-worker.js"])
      expect(built(name)).toContain("Permission is hereby granted");
    expect(built("index.js")).not.toContain("Permission is hereby granted");
  });
});

test("the package has no dependencies", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<string, unknown>;
  expect(manifest["dependencies"]).toBeUndefined();
  expect(manifest["peerDependencies"]).toEqual({ "onnxruntime-web": expect.any(String) });
});
