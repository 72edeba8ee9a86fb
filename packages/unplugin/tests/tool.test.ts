/** The tool is a script here that answers as modelpack does. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PluginError } from "../src/failure.ts";
import { buildPack, watchPack } from "../src/tool.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "modelpack-unplugin-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

function answerWith(...lines: readonly string[]): void {
  const tool = join(root, "tool");
  writeFileSync(tool, ["#!/bin/sh", ...lines, ""].join("\n"));
  chmodSync(tool, 0o755);
  vi.stubEnv("MODELPACK", tool);
}

describe.skipIf(process.platform === "win32")("buildPack", () => {
  test("gives the manifest, relative to where the tool was started", async () => {
    answerWith(
      'test "$*" = "build -C $PWD --json" || exit 9',
      `echo '{"status":"built","manifest":"public/m.json"}'`,
    );
    expect(await buildPack(root)).toEqual({ manifestPath: join(root, "public/m.json"), host: "static" });
  });

  test("gives what the host takes", async () => {
    answerWith(
      `echo '{"status":"built","manifest":"m.json","host":"cloudflare-pages","fileLimitBytes":26214400}'`,
    );
    expect(await buildPack(root)).toMatchObject({ host: "cloudflare-pages", fileLimitBytes: 26_214_400 });
  });

  test("says what the tool says", async () => {
    answerWith(
      `echo '{"status":"failed","manifest":"","errors":["MP-E201 no such file — put it there"]}'`,
      "exit 2",
    );
    await expect(buildPack(root)).rejects.toThrow("MP-E201 no such file — put it there");
  });

  test("says why a build published nothing", async () => {
    answerWith(`echo '{"status":"over-budget","manifest":"","errors":[]}'`, "exit 3");
    await expect(buildPack(root)).rejects.toThrow(
      "modelpack build ended with code 3: a model is over its budget; its report says more",
    );
  });

  test("says that the tool cannot be run", async () => {
    vi.stubEnv("MODELPACK", join(root, "nothing"));
    await expect(buildPack(root)).rejects.toThrow(
      "nothing cannot be run; set MODELPACK to where modelpack is",
    );
  });
});

test.skipIf(process.platform === "win32")("watchPack hears of every build, and of the end", async () => {
  answerWith(
    `echo '{"event":"build","changed":[]}'`,
    `echo '{"event":"report","report":{"status":"built","manifest":"m.json"}}'`,
    `echo '{"event":"report","report":{"status":"failed","errors":["MP-E201 gone"]}}'`,
    `echo '{"event":"error","error":"MP-E101 broken"}'`,
    "exit 1",
  );
  const heard: (string | PluginError)[] = [];
  await new Promise<void>((resolve) => {
    watchPack(root, (result) => void (heard.push(result) === 4 && resolve()));
  });
  const [first, ...failures] = heard;
  expect(first).toBe(join(root, "m.json"));
  expect(failures.map((failure) => failure instanceof PluginError && failure.message)).toEqual([
    "MP-E201 gone",
    "MP-E101 broken",
    "modelpack watch ended with code 1; start the dev server again",
  ]);
});

test.skipIf(process.platform === "win32")("watchPack is silent once it is stopped", async () => {
  const ended = join(root, "ended");
  answerWith(
    `echo '{"event":"report","report":{"status":"built","manifest":"m.json"}}'`,
    "cat",
    `: > ${ended}`,
  );
  const heard: (string | PluginError)[] = [];
  const stop = await new Promise<() => void>((resolve) => {
    const end = watchPack(root, (result) => void (heard.push(result) === 1 && resolve(end)));
  });
  stop();
  await vi.waitUntil(() => existsSync(ended), { timeout: 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 50)); // the end of its process comes after the end of its script
  expect(heard).toEqual([join(root, "m.json")]);
});
