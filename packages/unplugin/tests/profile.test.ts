/** What a trial run says is remembered, unless it failed. The process itself runs in `browser/split.browser.ts`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { calledFunctions, type Profile, profileDigest } from "../src/split/profile.ts";

let cache: string;
let profile: Profile;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "modelpack-profile-"));
  const wasm = join(cache, "onnxruntime.wasm");
  writeFileSync(wasm, "any bytes");
  profile = { folder: cache, wasm, loader: cache, manifest: join(cache, "manifest.json"), variants: [] };
});

afterEach(() => rmSync(cache, { recursive: true, force: true }));

const functionsOf = async (asked: Profile): Promise<ReadonlySet<number>> =>
  calledFunctions(asked, { cache, digest: await profileDigest(asked) });
const remembered = (): string[] => readdirSync(cache).filter((name) => name.startsWith("functions-"));

test("what is remembered is not asked for again, and belongs to its content", async () => {
  await expect(functionsOf(profile)).rejects.toThrow(); // the sources are no scripts that Node runs
  expect(remembered()).toEqual([]);
  const path = join(cache, "functions-389e178d8fcc76a59888f58d506c4eb0.json");
  writeFileSync(path, '{"called":[1,2]}');
  expect(await functionsOf(profile)).toEqual(new Set([1, 2]));
  const other = { ...profile, variants: [{ model: "m", variant: "q8", digest: "d" }] };
  await expect(functionsOf(other)).rejects.toThrow();
});

test("a refusal is remembered, and a damaged answer is not taken", async () => {
  const path = join(cache, "functions-389e178d8fcc76a59888f58d506c4eb0.json");
  writeFileSync(path, '{"refused":"m@q8 takes no inputs of zeros and ones"}');
  await expect(functionsOf(profile)).rejects.toThrow("m@q8 takes no inputs of zeros and ones");
  expect(JSON.parse(readFileSync(path, "utf8"))).toHaveProperty("refused");
  writeFileSync(path, '{"call');
  await expect(functionsOf(profile)).rejects.toThrow("broke off");
});
