/** The Python tool, as a process. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { findModelpack, NOT_FOUND } from "modelpack";
import { PluginError } from "./failure.ts";

/** What a build says of itself; `manifest` is relative to where the tool was started. */
interface Report {
  readonly status: string;
  readonly manifest?: string | null;
  readonly host?: string;
  readonly fileLimitBytes?: number | null;
  /** One line each, with the remedy. */
  readonly errors?: readonly string[];
}

/** The lines of `modelpack watch --json=stream` that matter here. */
type WatchLine =
  | { readonly event: "report"; readonly report: Report }
  | { readonly event: "error"; readonly error: string };

/** What comes of a build that was not asked for: the path of its manifest, or what is wrong. */
export type Heard = (result: string | PluginError) => void;

// The codes of docs/architecture.md that a bundler's user may have to act on.
const REASONS: Readonly<Record<number, string>> = {
  3: "a model is over its budget",
  4: "a model is not accurate enough",
  6: "a source is unreachable",
};
const ITS_REPORT = "its report says more";

/** What was built: the path of its manifest, and what the host of modelpack.toml takes. */
export interface BuiltPack {
  readonly manifestPath: string;
  readonly host: string;
  /** The largest file; undefined where there is no limit that is known. */
  readonly fileLimitBytes: number | undefined;
}

/** What `modelpack build` published. Throws PluginError if it published nothing. */
export async function buildPack(root: string): Promise<BuiltPack> {
  const child = start(root, ["build", "-C", root, "--json"], ["ignore", "pipe", "inherit"]);
  const pieces: Buffer[] = [];
  child.stdout?.on("data", (piece: Buffer) => void pieces.push(piece));
  const code = await ended(child);
  const report = parse<Report>(Buffer.concat(pieces).toString());
  if (code === 0 && report?.manifest) {
    const { manifest, host = "static", fileLimitBytes } = report;
    return { manifestPath: resolve(root, manifest), host, fileLimitBytes: fileLimitBytes ?? undefined };
  }
  throw (
    failureOf(report) ?? new PluginError(`modelpack build ended with code ${code}${reason(code)}`, ITS_REPORT)
  );
}

/**
 * Runs `modelpack watch`, which ends with this process: it reads from a pipe that nobody writes to. Returns what ends it before;
 * after that nothing is heard of it.
 */
export function watchPack(root: string, hear: Heard): () => void {
  let isStopped = false;
  const tell: Heard = (result) => {
    if (!isStopped) hear(result);
  };
  const child = start(root, ["watch", "-C", root, "--json=stream"], ["pipe", "pipe", "inherit"]);
  if (child.stdout) {
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line = parse<WatchLine>(text);
      if (line?.event === "error") tell(new PluginError(line.error, ""));
      else if (line?.event === "report") tell(outcomeOf(line.report, root));
    });
  }
  const end = (code: number): void =>
    tell(new PluginError(`modelpack watch ended with code ${code}`, "start the dev server again"));
  ended(child).then(end, tell);
  return () => {
    isStopped = true;
    child.stdin?.end();
  };
}

function outcomeOf(report: Report, root: string): string | PluginError {
  const isGood = report.status === "built" || report.status === "unchanged";
  if (isGood && report.manifest) return resolve(root, report.manifest);
  return failureOf(report) ?? new PluginError("modelpack did not publish", ITS_REPORT);
}

function failureOf(report: Report | undefined): PluginError | undefined {
  const [first] = report?.errors ?? [];
  return first === undefined ? undefined : new PluginError(first, "");
}

function reason(code: number): string {
  return REASONS[code] ? `: ${REASONS[code]}` : "";
}

type Stdio = ("ignore" | "pipe" | "inherit")[];

function start(root: string, args: readonly string[], stdio: Stdio): ChildProcess {
  const found = findModelpack({ folder: root });
  if (!found) throw new PluginError(NOT_FOUND, "");
  return spawn(found.program, [...found.args, ...args], { cwd: root, stdio });
}

async function ended(child: ChildProcess): Promise<number> {
  try {
    const [code] = await once(child, "close");
    return code ?? 1;
  } catch (cause) {
    throw new PluginError(`${child.spawnfile} cannot be run`, "set MODELPACK to where modelpack is", {
      cause,
    });
  }
}

function parse<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
