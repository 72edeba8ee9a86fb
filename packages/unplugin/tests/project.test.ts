/** What comes of a watch, by a tool that is a script here. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PluginError } from "../src/failure.ts";
import { openProject } from "../src/project.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "modelpack-unplugin-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

test.skipIf(process.platform === "win32")("a watch outlives a manifest that cannot be read", async () => {
  writeFileSync(join(root, "m.json"), JSON.stringify({ manifestVersion: 1, models: {} }));
  const report = (manifest: string): string =>
    `echo '{"event":"report","report":{"status":"built","manifest":"${manifest}"}}'`;
  const tool = join(root, "tool");
  writeFileSync(tool, ["#!/bin/sh", report("gone.json"), report("m.json"), "cat", ""].join("\n"));
  chmodSync(tool, 0o755);
  vi.stubEnv("MODELPACK", tool);
  const project = openProject({});
  project.locate({ root });
  const changes: string[] = [];
  project.onChange((change) =>
    changes.push(change instanceof PluginError ? change.message : change.pack.manifestPath),
  );
  project.watch();
  await expect(project.published()).rejects.toThrow("gone.json cannot be read; run `modelpack build`");
  await expect.poll(() => changes).toHaveLength(2);
  expect(changes[1]).toBe(join(root, "m.json"));
  expect((await project.published()).pack.models).toEqual({});
  project.stop();
});
