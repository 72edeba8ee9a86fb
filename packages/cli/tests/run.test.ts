/** The script itself, as npm starts it, with tools that say how they were started. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { testProject } from "./project.ts";

const SCRIPT = fileURLToPath(new URL("../bin/modelpack.js", import.meta.url));

function start(tool: string, ...args: readonly string[]): ChildProcess {
  const env = { ...process.env, MODELPACK: tool };
  return spawn(process.execPath, [SCRIPT, ...args], { env, stdio: ["pipe", "pipe", "inherit"] });
}

describe.skipIf(process.platform === "win32")("npx modelpack", () => {
  test("passes arguments, input, output and the exit code through", () => {
    using project = testProject();
    const tool = project.script("tool", 'printf "%s|" "$@"', "cat", "echo wrong >&2", "exit 3");
    const options = { env: { ...process.env, MODELPACK: tool }, input: "typed", encoding: "utf8" as const };
    const args = ["build", "a b", "", "--json=stream", "--help"];
    const { stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT, ...args], options);
    expect(stdout).toBe("build|a b||--json=stream|--help|typed");
    expect(stderr).toBe("wrong\n");
    expect(status).toBe(3);
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`hands ${signal} on, and waits for what comes of it`, async () => {
      using project = testProject();
      const trap = `trap 'echo caught; exit 130' ${signal.slice(3)}`;
      const tool = project.script("tool", trap, "echo ready", "while :; do sleep 0.05; done");
      const child = start(tool);
      let output = "";
      child.stdout?.on("data", (text) => {
        if (!output) child.kill(signal);
        output += text;
      });
      expect(await once(child, "close")).toEqual([130, null]);
      expect(output).toBe("ready\ncaught\n");
    });
  }

  test("ends by the signal that ended the tool", async () => {
    using project = testProject();
    const child = start(project.script("tool", "kill -TERM $$"));
    expect(await once(child, "close")).toEqual([null, "SIGTERM"]);
  });

  test("says what to install where there is no tool", () => {
    using project = testProject();
    const options = { cwd: project.root, env: { PATH: project.root }, encoding: "utf8" as const };
    const { stderr, status } = spawnSync(process.execPath, [SCRIPT, "build"], options);
    expect(stderr).toBe(
      "modelpack: the Python tool is not installed; run `pip install modelpack` (Python 3.10 or newer), or set MODELPACK to where it is\n",
    );
    expect(status).toBe(127);
  });

  test("says which tool cannot be run", () => {
    using project = testProject();
    const env = { ...process.env, MODELPACK: project.path("nothing") };
    const { stderr, status } = spawnSync(process.execPath, [SCRIPT], { env, encoding: "utf8" });
    expect(stderr).toBe(
      `modelpack: ${project.path("nothing")} cannot be run (ENOENT); set MODELPACK to where it is\n`,
    );
    expect(status).toBe(126);
  });
});
