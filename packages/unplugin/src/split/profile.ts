/** Which functions of onnxruntime's WebAssembly a pack's models call. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface ProfiledVariant {
  readonly model: string;
  readonly variant: string;
  /** Of its files: the same ones call the same functions. */
  readonly digest: string;
}

export interface Profile {
  /** onnxruntime-web's scripts. */
  readonly folder: string;
  readonly wasm: string;
  /** The built loader. */
  readonly loader: string;
  readonly manifest: string;
  readonly variants: readonly ProfiledVariant[];
}

/** What the process says: the functions; why these models cannot be run by themselves; or what else went wrong. */
export type Profiled =
  | { readonly called: readonly number[] }
  | { readonly refused: string }
  | { readonly failure: string };

const PROCESS = fileURLToPath(new URL("./profile-process.js", import.meta.url));
const LIMIT_MS = 600_000;
const MOST_OUTPUT_BYTES = 2 ** 24;
// Another one where what is run, or how it is noted, changes.
const FORMAT = 2;

/**
 * The positions of the functions that are called. Answers are remembered in `cache` by their `digest`, failures are not.
 * Throws an Error where a model does not run.
 */
export async function calledFunctions(
  profile: Profile,
  { cache, digest }: { readonly cache: string; readonly digest: string },
): Promise<ReadonlySet<number>> {
  const path = join(cache, `functions-${digest}.json`);
  const known = await recalled(path);
  const answer = known ?? (await profiled(profile));
  if ("failure" in answer) throw new Error(answer.failure);
  if (!known) await remember(path, answer);
  if ("refused" in answer) throw new Error(answer.refused);
  return new Set(answer.called);
}

/** Undefined where there is nothing, or it is damaged. */
async function recalled(path: string): Promise<Profiled | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Profiled;
  } catch {
    return undefined;
  }
}

/** Whole or not at all. */
async function remember(path: string, answer: Profiled): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(answer));
  await rename(temporary, path);
}

async function profiled(profile: Profile): Promise<Profiled> {
  const options = { timeout: LIMIT_MS, maxBuffer: MOST_OUTPUT_BYTES };
  const given = [PROCESS, JSON.stringify(profile)];
  const { stdout } = await promisify(execFile)(process.execPath, given, options).catch((cause: unknown) => {
    throw new Error("the models' trial run broke off", { cause }); // its own message is all of the command
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Profiled;
}

/** Of what the answer follows from. */
export async function profileDigest({ wasm, variants }: Profile): Promise<string> {
  const digests = variants.map(({ digest }) => digest).sort();
  const wasmDigest = createHash("sha256")
    .update(await readFile(wasm))
    .digest("hex");
  return createHash("sha256")
    .update(JSON.stringify([FORMAT, wasmDigest, digests]))
    .digest("hex")
    .slice(0, 32);
}
