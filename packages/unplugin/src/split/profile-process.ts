/**
 * A process of its own, in which variants of a pack run once, on onnxruntime's WebAssembly with notes of what is called.
 * Gets a `Profile` as JSON, and prints a `Profiled`: as JSON, on its last line.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { madeUpInputs, type Tensor, type Value } from "./made-up-inputs.ts";
import type { Profile, Profiled } from "./profile.ts";
import { readModule } from "./wasm-module.ts";
import { calledIn, hasNotes, withNotes } from "./wasm-notes.ts";

interface Model {
  readonly inputMetadata: readonly Value[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<unknown>;
  release(): Promise<void>;
}

// Of open axes but the batch: kernels take other ways for one, for few and for many rows.
const OPEN_SIZES = [1, 3, 8, 40];
// Where none of these is taken, until one is: pictures and stretches of sound.
const LARGER_SIZES = [64, 224, 256, 288, 320, 512, 576, 640, 1024, 1536, 4096, 16_000];

interface Manifest {
  readonly models: Readonly<Record<string, { readonly state?: readonly { readonly input: string }[] }>>;
}

interface Subject {
  readonly model: Model;
  /** The inputs that carry state from call to call. */
  readonly state: ReadonlySet<string>;
}

/** Whether such inputs are taken. Where some are not, they do not fit each other. */
async function runsAtAll({ model, state }: Subject): Promise<boolean> {
  const runsOn = async (size: number): Promise<boolean> => {
    const feeds = madeUpInputs(model.inputMetadata, state, size);
    if (!feeds) return false;
    return model.run(feeds).then(
      () => true,
      () => false,
    );
  };
  let hasRun = false;
  for (const size of OPEN_SIZES) hasRun = (await runsOn(size)) || hasRun;
  for (const size of LARGER_SIZES) hasRun ||= await runsOn(size);
  return hasRun;
}

async function profiled({ folder, wasm, loader, manifest, variants }: Profile): Promise<Profiled> {
  let exports: WebAssembly.Exports = {};
  const { instantiate } = WebAssembly;
  Object.assign(WebAssembly, {
    instantiate: async (source: WebAssembly.Module, imports: WebAssembly.Imports) => {
      const result = (await instantiate(source, imports)) as
        | WebAssembly.Instance
        | WebAssembly.WebAssemblyInstantiatedSource;
      const instance = "instance" in result ? result.instance : result;
      if (hasNotes(instance.exports)) exports = instance.exports; // Node has modules of its own
      return result;
    },
  });
  const importFrom = (path: string) => import(pathToFileURL(path).href);
  const ort = await importFrom(join(folder, "ort.wasm.min.mjs"));
  const { load } = await importFrom(join(loader, "index.js"));
  const { fileFetch } = await importFrom(join(loader, "node.js"));
  ort.env.wasm.wasmBinary = withNotes(readModule(await readFile(wasm)));
  ort.env.logLevel = "error";
  const { models } = JSON.parse(await readFile(manifest, "utf8")) as Manifest;
  for (const { model, variant } of variants) {
    const state = new Set(models[model]?.state?.map(({ input }) => input));
    const ref = { manifestUrl: pathToFileURL(manifest).href, model };
    const options = { ort, variant, device: "wasm", fallback: false, fetch: fileFetch, cache: "memory" };
    const loaded: Model = await load(ref, options);
    const hasRun = await runsAtAll({ model: loaded, state });
    await loaded.release();
    if (!hasRun) return { refused: `${model}@${variant} takes no inputs of zeros and ones` };
  }
  return { called: calledIn(exports) };
}

const answer: Profiled = await profiled(JSON.parse(process.argv[2] ?? "")).catch((error: unknown) => ({
  failure: error instanceof Error ? error.message : String(error),
}));
process.stdout.write(`\n${JSON.stringify(answer)}\n`);
