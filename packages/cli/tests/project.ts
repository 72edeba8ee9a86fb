/** A folder of the test's own, and programs in it. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TestProject extends Disposable {
  readonly root: string;
  readonly path: (name: string) => string;
  readonly write: (name: string, text: string) => string;
  /** A shell script that can be executed. */
  readonly script: (name: string, ...lines: readonly string[]) => string;
}

/** An empty folder that is deleted at the end of the scope. */
export function testProject(): TestProject {
  const root = mkdtempSync(join(tmpdir(), "modelpack-cli-"));
  const path = (name: string): string => join(root, name);
  const write = (name: string, text: string): string => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), text);
    return path(name);
  };
  const script = (name: string, ...lines: readonly string[]): string => {
    write(name, ["#!/bin/sh", ...lines, ""].join("\n"));
    chmodSync(path(name), 0o755);
    return path(name);
  };
  return {
    root,
    path,
    write,
    script,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}
