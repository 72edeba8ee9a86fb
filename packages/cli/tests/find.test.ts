import { chmodSync, readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { describe, expect, test } from "vitest";
import { foldersUpward } from "../src/folders.js";
import { findModelpack } from "../src/index.js";
import { testProject } from "./project.ts";

describe.skipIf(process.platform === "win32")("findModelpack", () => {
  test("takes MODELPACK before anything else", () => {
    using project = testProject();
    project.script(".venv/bin/modelpack");
    const env = { MODELPACK: "/opt/modelpack", MODELPACK_PYTHON: "/opt/python" };
    expect(findModelpack({ folder: project.root, env })).toEqual({ program: "/opt/modelpack", args: [] });
  });

  test("takes the Python that MODELPACK_PYTHON names", () => {
    using project = testProject();
    const found = findModelpack({ folder: project.root, env: { MODELPACK_PYTHON: "/opt/python" } });
    expect(found).toEqual({ program: "/opt/python", args: ["-m", "modelpack"] });
  });

  test("takes the virtual environment of the repository from a folder below", () => {
    using project = testProject();
    project.write(".git", "");
    project.write("apps/web/package.json", "{}");
    const program = project.script(".venv/bin/modelpack");
    expect(findModelpack({ folder: project.path("apps/web"), env: {} })).toEqual({ program, args: [] });
  });

  test("takes the nearest virtual environment", () => {
    using project = testProject();
    project.write(".git", "");
    project.script(".venv/bin/modelpack");
    const program = project.script("apps/web/venv/bin/modelpack");
    expect(findModelpack({ folder: project.path("apps/web"), env: {} })).toEqual({ program, args: [] });
  });

  test("passes over a virtual environment without modelpack", () => {
    using project = testProject();
    project.script(".venv/bin/python");
    const program = project.script("bin/modelpack");
    const env = { PATH: project.path("bin") };
    expect(findModelpack({ folder: project.root, env })).toEqual({ program, args: [] });
  });

  test("runs nothing that lies above the repository", () => {
    using project = testProject();
    project.script(".venv/bin/modelpack");
    project.write("repository/.git", "");
    expect(findModelpack({ folder: project.path("repository"), env: {} })).toBeUndefined();
  });

  test("passes over what npm and pnpm put on the PATH for this package", () => {
    using project = testProject();
    project.write("npm/modelpack", "#!/usr/bin/env node\n");
    chmodSync(project.path("npm/modelpack"), 0o755);
    project.script(
      "pnpm/modelpack",
      'exec node "$basedir/global/5/node_modules/modelpack/bin/modelpack.js" "$@"',
    );
    const program = project.script("python/modelpack");
    const env = { PATH: ["npm", "pnpm", "python"].map(project.path).join(delimiter) };
    expect(findModelpack({ folder: project.root, env })).toEqual({ program, args: [] });
  });

  test("takes a Python that has the package", () => {
    using project = testProject();
    project.script("bin/python3", "exit 1");
    const program = project.script("bin/python", "exit 0");
    const env = { PATH: project.path("bin") };
    expect(findModelpack({ folder: project.root, env })).toEqual({ program, args: ["-m", "modelpack"] });
  });

  test("takes uvx last, for exactly this version", () => {
    using project = testProject();
    project.script("bin/python3", "exit 1");
    const program = project.script("bin/uvx");
    expect(findModelpack({ folder: project.root, env: { PATH: project.path("bin") } })).toEqual({
      program,
      args: ["--from", "modelpack==0.1.0", "modelpack"],
    });
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(version).toBe("0.1.0");
  });

  test("finds nothing where there is nothing", () => {
    using project = testProject();
    project.write("bin/modelpack", "not executable");
    expect(findModelpack({ folder: project.root, env: { PATH: project.path("bin") } })).toBeUndefined();
  });
});

describe("foldersUpward", () => {
  test("goes as far as the outermost package.json where there is no repository", () => {
    using project = testProject();
    project.write("acme/package.json", "{}");
    project.write("acme/apps/web/package.json", "{}");
    expect(foldersUpward(project.path("acme/apps/web/src"))).toEqual(
      ["acme/apps/web/src", "acme/apps/web", "acme/apps", "acme"].map(project.path),
    );
  });

  test("stays where it is where nothing says what belongs together", () => {
    using project = testProject();
    expect(foldersUpward(project.root)).toEqual([project.root]);
  });
});
