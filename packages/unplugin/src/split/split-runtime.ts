/** onnxruntime-web's plain build in two files: what the pack's models call, and the rest. */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { calledFunctions, type Profile, profileDigest } from "./profile.ts";
import { cutModule } from "./wasm-cut.ts";
import { readModule } from "./wasm-module.ts";

export interface SplitRuntime {
  /** The script, which fetches the rest when it is called. */
  readonly script: Uint8Array;
  /** The paths of the two files. */
  readonly first: string;
  readonly rest: string;
}

const PRELUDE = fileURLToPath(new URL("./rest.js", import.meta.url));
// Another one where modules are cut otherwise.
const FORMAT = 1;
// 15 MB each, of which a pack needs the newest.
const MOST_KEPT = 4;

/**
 * The script at `source` and its WebAssembly, cut. The rest is published as `restName`, beside the script. What was cut is
 * kept in `cache` by content. Throws an Error where a model does not run, or the WebAssembly is not as expected.
 */
export async function splitRuntime(
  profile: Profile,
  { source, restName, cache }: { readonly source: string; readonly restName: string; readonly cache: string },
): Promise<SplitRuntime> {
  const digest = await profileDigest(profile);
  const folder = join(cache, `cut-${FORMAT}-${digest}`);
  const [first, rest] = [join(folder, "first.wasm"), join(folder, "rest.wasm")];
  const isThere = (await stat(rest).catch(() => undefined)) !== undefined;
  if (!isThere) {
    await cutInto(folder, profile.wasm, await calledFunctions(profile, { cache, digest }));
    await prune(cache);
  }
  const facts = { name: restName, sizeBytes: (await stat(rest)).size };
  const head = `const modelpackRest=${JSON.stringify(facts)};\n`;
  const script = Buffer.concat([Buffer.from(head), await readFile(PRELUDE), await readFile(source)]);
  return { script, first, rest };
}

/** The folder appears with both files, or not at all. */
async function cutInto(folder: string, wasm: string, called: ReadonlySet<number>): Promise<void> {
  const { first, rest } = cutModule(readModule(await readFile(wasm)), called);
  const temporary = `${folder}.${process.pid}`;
  await mkdir(temporary, { recursive: true });
  await writeFile(join(temporary, "first.wasm"), first);
  await writeFile(join(temporary, "rest.wasm"), rest);
  await rename(temporary, folder).catch(async (error: unknown) => {
    await rm(temporary, { recursive: true, force: true });
    // Another build may have been faster.
    if (!(await stat(folder).catch(() => undefined))) throw error;
  });
}

/** Removes what was cut before the newest ones. */
async function prune(cache: string): Promise<void> {
  const names = (await readdir(cache)).filter((name) => name.startsWith("cut-"));
  const folders = await Promise.all(
    names.map(async (name) => ({
      path: join(cache, name),
      changed: (await stat(join(cache, name))).mtimeMs,
    })),
  );
  const old = folders.sort((one, other) => other.changed - one.changed).slice(MOST_KEPT);
  for (const { path } of old) await rm(path, { recursive: true, force: true });
}
