/** What was cut is kept, and the oldest of it goes. Whether it runs is for `browser/split.browser.ts`. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Profile, profileDigest } from "../src/split/profile.ts";
import { splitRuntime } from "../src/split/split-runtime.ts";

const FOLDER = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
const source = join(FOLDER, "ort.wasm.bundle.min.mjs");
const restName = "rest.wasm";
let cache: string;
let profile: Profile;

// It is compiled from TypeScript, which nobody has done here.
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const readFile = (path: string, ...more: never[]): unknown =>
    real.readFile(path.endsWith("rest.js") ? path.replace(/js$/, "ts") : path, ...more);
  return { ...real, readFile };
});

beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), "modelpack-split-"));
  const wasm = join(FOLDER, "ort-wasm-simd-threaded.wasm");
  profile = { folder: FOLDER, wasm, loader: cache, manifest: join(cache, "manifest.json"), variants: [] };
  const digest = await profileDigest(profile);
  writeFileSync(join(cache, `functions-${digest}.json`), '{"called":[1,2,3]}');
});

afterEach(() => rmSync(cache, { recursive: true, force: true }));

test("the script says what the rest is, and stands in front of onnxruntime's", async () => {
  const { script, first, rest } = await splitRuntime(profile, { source, restName, cache });
  const text = Buffer.from(script).toString();
  const sizeBytes = statSync(rest).size;
  expect(text.split("\n")[0]).toBe(`const modelpackRest={"name":"rest.wasm","sizeBytes":${sizeBytes}};`);
  expect(text.endsWith(readFileSync(source, "utf8"))).toBe(true);
  expect(WebAssembly.validate(readFileSync(first))).toBe(true);
});

test("what was cut is cut once, and four are kept", async () => {
  for (const [index, name] of ["cut-a", "cut-b", "cut-c", "cut-d", "cut-e"].entries()) {
    mkdirSync(join(cache, name));
    utimesSync(join(cache, name), index, index);
  }
  const { first } = await splitRuntime(profile, { source, restName, cache });
  const names = readdirSync(cache).filter((name) => name.startsWith("cut-"));
  expect(names.filter((name) => name.length === 5).sort()).toEqual(["cut-c", "cut-d", "cut-e"]);
  expect(names).toHaveLength(4);
  const { ino } = statSync(first);
  await splitRuntime(profile, { source, restName, cache });
  expect(statSync(first).ino).toBe(ino);
});
