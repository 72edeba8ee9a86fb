/** onnxruntime's own WebAssembly as a file of the pack: cut, verified, stored, and used. */
import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import * as answers from "./support/answers.ts";
import { exactly, expected, expectWorks, scene } from "./support/scene.ts";
import { packFile } from "./support/site.ts";

const PACK = { pack: "runtime", timeoutMs: 180_000 } as const;
const LOAD = { feeds: expected("digits").feeds } as const;
const OWN = /\/ort\/.*\.wasm$/;
const MANIFEST = JSON.parse(readFileSync(packFile("runtime", "manifest.json"), "utf8"));
const RUNTIME_CHUNKS: readonly string[] = MANIFEST.files[MANIFEST.runtime.builds.wasm].parts.map(
  (position: number) => `/models/c/${MANIFEST.chunks[position].hash}.bin`,
);

describe("a packed runtime", () => {
  scene(
    "is used, and onnxruntime fetches none of its own",
    async ({ site, tab }) => {
      site.always(OWN, answers.status(404));
      const outcome = await tab.attempt(LOAD);
      expectWorks(outcome);
      expect(outcome.warnings).toEqual([]);
      expect(outcome.progress.at(-1)).toMatchObject({ fraction: 1, phase: "done" });
      expect(site.chunkRequests()).toEqual(expect.arrayContaining([...RUNTIME_CHUNKS]));
      expect(site.peak()).toBeLessThanOrEqual(6);
    },
    PACK,
  );
  scene(
    "is used in the page as well",
    async ({ site, tab }) => {
      site.always(OWN, answers.status(404));
      expectWorks(await tab.attempt({ ...LOAD, options: { worker: false } }));
    },
    PACK,
  );
  scene(
    "is stored, and not fetched again",
    async ({ site, tab }) => {
      expectWorks(await tab.attempt(LOAD));
      site.log.splice(0);
      await tab.page.reload();
      await tab.page.waitForFunction(() => "harness" in globalThis);
      expectWorks(await tab.attempt(LOAD));
      expect(site.chunkRequests()).toEqual([]);
    },
    PACK,
  );
  scene(
    "is part of the plan and of a preload",
    async ({ site, tab }) => {
      const before = await tab.attempt({ does: "plan" });
      const bytes =
        MANIFEST.models.digits.variants[0].size.transfer + MANIFEST.files[MANIFEST.runtime.builds.wasm].size;
      expect(before).toMatchObject({ plan: { transferBytes: bytes } });
      expect(await tab.attempt({ does: "preload" })).toMatchObject({ code: "OK" });
      site.log.splice(0);
      expectWorks(await tab.attempt(LOAD));
      expect(site.chunkRequests()).toEqual([]);
    },
    PACK,
  );
  scene(
    "with a wrong byte ends in CHUNK_INTEGRITY",
    async ({ site, tab }) => {
      site.always(exactly(RUNTIME_CHUNKS[1] as string), answers.flipped);
      expect(await tab.attempt(LOAD)).toMatchObject({ code: "CHUNK_INTEGRITY" });
      await expect.poll(() => tab.page.workers().length).toBe(0);
    },
    PACK,
  );
  scene(
    "that is damaged in the storage is fetched again",
    async ({ site, tab }) => {
      expectWorks(await tab.attempt(LOAD));
      await tab.page.evaluate(() => harness.damageStored());
      site.log.splice(0);
      expectWorks(await tab.attempt(LOAD));
      expect(site.chunkRequests()).toEqual(expect.arrayContaining([...RUNTIME_CHUNKS]));
    },
    PACK,
  );
  scene(
    "of another version than the page's is passed over, with one warning",
    async ({ site, tab }) => {
      const runtime = { ...MANIFEST.runtime, version: "1.0.0" };
      site.put("/models/manifest.json", JSON.stringify({ ...MANIFEST, runtime }));
      const outcome = await tab.attempt(LOAD);
      expectWorks(outcome);
      expect(outcome.warnings.map(({ code }) => code)).toEqual(["RUNTIME_INIT"]);
    },
    PACK,
  );
  scene(
    "is not fetched where the page says where its own is",
    async ({ site, tab }) => {
      const runtime = { wasmPaths: { wasm: "/ort/ort-wasm-simd-threaded.wasm" } };
      expectWorks(await tab.attempt({ ...LOAD, options: { runtime } }));
      for (const path of RUNTIME_CHUNKS) expect(site.chunkRequests()).not.toContain(path);
    },
    PACK,
  );
  scene(
    "is not fetched for a page that creates its own session",
    async ({ site, tab }) => {
      const outcome = await tab.attempt({ ...LOAD, does: "ortInputs" });
      expectWorks(outcome);
      expect(outcome.progress.at(-1)?.totalTransferBytes).toBe(
        MANIFEST.models.digits.variants[0].size.transfer,
      );
      for (const path of RUNTIME_CHUNKS) expect(site.chunkRequests()).not.toContain(path);
    },
    PACK,
  );
});
