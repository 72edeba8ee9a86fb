/** `modelpack dev` over a copy of the digits example, as a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

export interface Dev extends AsyncDisposable {
  readonly url: string;
  /** The folder of the project, to change things in. */
  readonly project: string;
}

/** A server that has built and published once. It ends as `concurrently` ends it: its stdin is closed. */
export async function openDev(): Promise<Dev> {
  const project = mkdtempSync(join(tmpdir(), "modelpack-dev-"));
  mkdirSync(join(project, ".git"));
  for (const name of ["modelpack.toml", "models", "golden"])
    cpSync(join(ROOT, "examples/digits", name), join(project, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
  const child = spawn(python(), ["-m", "modelpack", "dev", "--port", "0", "--json", "-C", project], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, PYTHONPATH: ROOT },
  });
  const ended = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  const url = await firstBuild(child);
  return {
    url,
    project,
    [Symbol.asyncDispose]: async () => {
      child.stdin?.end();
      await ended;
      rmSync(project, { recursive: true, force: true });
    },
  };
}

async function firstBuild(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("no stdout");
  let url = "";
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as { readonly event: string; readonly url?: string };
    if (event.event === "serving") url = event.url ?? "";
    if (event.event === "waiting") {
      child.stdout.resume();
      return url.replace("localhost", "127.0.0.1");
    }
  }
  throw new Error("modelpack dev ended before it had built anything");
}

function python(): string {
  const own = join(ROOT, ".venv/bin/python");
  return process.env["MODELPACK_PYTHON"] ?? (existsSync(own) ? own : "python3");
}
