/** onnxruntime-web's plain build in two files: what the pack's models call, and the rest. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { calledFunctions, type Profile } from "./profile.ts";
import { cutModule } from "./wasm-cut.ts";
import { readModule } from "./wasm-module.ts";

export interface SplitRuntime {
  /** The script, which fetches the rest when it is called. */
  readonly script: Uint8Array;
  readonly first: Uint8Array;
  readonly rest: Uint8Array;
}

const PRELUDE = fileURLToPath(new URL("./rest.js", import.meta.url));

/**
 * The script at `source` and its WebAssembly, cut. The rest is published as `restName`, beside the script. Throws an Error
 * where a model does not run, or the WebAssembly is not as expected.
 */
export async function splitRuntime(
  profile: Profile,
  { source, restName, cache }: { readonly source: string; readonly restName: string; readonly cache: string },
): Promise<SplitRuntime> {
  const called = await calledFunctions(profile, cache);
  const { first, rest } = cutModule(readModule(await readFile(profile.wasm)), called);
  const facts = `const modelpackRest=${JSON.stringify({ name: restName, sizeBytes: rest.length })};\n`;
  const script = Buffer.concat([Buffer.from(facts), await readFile(PRELUDE), await readFile(source)]);
  return { script, first, rest };
}
