/**
 * The loader's workers and onnxruntime-web, published as the files they are.
 *
 * No bundler reads them: some would emit the wasm once for each chunk that mentions it, and some would not emit it at all. They
 * lie in one folder, named after their content, in which they find each other by relative addresses.
 */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { PluginError } from "./failure.ts";
import type { Pack, PackedRuntime } from "./pack.ts";
import type { AddressOf, StaticFile } from "./placement.ts";
import { type SplitRuntime, splitRuntime } from "./split/split-runtime.ts";

export interface Runtime {
  /** The folder in the output. */
  readonly path: string;
  readonly files: readonly StaticFile[];
}

interface Build {
  /** The name that the loader imports. */
  readonly name: string;
  /** Its file. */
  readonly source: string;
  /** Under which it is published: not every host knows that .mjs is a script. */
  readonly module: string;
  readonly wasm: string;
}

const WITH_GRAPHICS: Build = {
  name: "onnxruntime-web/webgpu",
  source: "ort.webgpu.bundle.min.mjs",
  module: "ort.webgpu.js",
  wasm: "ort-wasm-simd-threaded.asyncify.wasm",
};
// By device: docs/loader.md.
const BUILDS: Readonly<Record<string, Build>> = {
  wasm: {
    name: "onnxruntime-web/wasm",
    source: "ort.wasm.bundle.min.mjs",
    module: "ort.wasm.js",
    wasm: "ort-wasm-simd-threaded.wasm",
  },
  webgpu: WITH_GRAPHICS,
  webnn: WITH_GRAPHICS,
};
// The one that runs the session, and the one that decodes chunks.
const WORKERS = ["worker.js", "zstd-worker.js"] as const;
const HASH_DIGITS = 16;

/** The folder of the loader's files; undefined if the project does not have it. */
export function loaderFolder(root: string): string | undefined {
  try {
    return dirname(realpathSync(requireFrom(root).resolve("@modelpack/loader")));
  } catch {
    return undefined;
  }
}

/** What pages need: to run models on these devices, with what the pack has of the runtime already. */
export interface Needs {
  readonly devices: readonly string[];
  readonly packed: PackedRuntime | undefined;
  /** Whose models say which functions of the plain build go into its first file; without it, that is one file. */
  readonly called?: Pick<Pack, "manifestPath" | "wasmVariants"> | undefined;
}

/** What the bundler has to publish of it. Throws PluginError if onnxruntime-web is missing. */
export async function readRuntime(
  { root, loader }: { readonly root: string; readonly loader: string },
  { devices, packed, called }: Needs,
  prefix: string,
): Promise<Runtime> {
  const ort = onnxruntimeFolder(root, loader);
  const isPacked = packed?.version === (await versionIn(ort)) ? packed.devices : [];
  const builds = devices.flatMap((device) => {
    const build = BUILDS[device];
    return build ? [{ ...build, wasm: isPacked.includes(device) ? undefined : build.wasm }] : [];
  });
  const content: Record<string, Uint8Array | string> = {};
  for (const worker of WORKERS) {
    const code = await readFile(join(loader, worker), "utf8");
    content[worker] = Buffer.from(replaceImports(code, (module) => `import("./${module}")`));
  }
  for (const { source, module, wasm } of builds) {
    content[module] = join(ort, source);
    if (!wasm) continue;
    content[wasm] = join(ort, wasm);
    if (!called || wasm !== BUILDS["wasm"]?.wasm) continue;
    const restName = wasm.replace(/wasm$/, "rest.wasm");
    const split = await trySplit({ ort, loader, root, called }, { source, wasm, restName });
    if (split)
      Object.assign(content, { [module]: split.script, [wasm]: split.first, [restName]: split.rest });
  }
  const path = `${prefix}modelpack-${await hashOf(content)}`;
  const files = Object.entries(content).map(([name, source]) => ({ path: `${path}/${name}`, source }));
  return { path, files };
}

interface Places {
  readonly ort: string;
  readonly loader: string;
  readonly root: string;
  readonly called: Pick<Pack, "manifestPath" | "wasmVariants">;
}

/** Undefined where it cannot be split: one file is larger, and runs the same. */
async function trySplit(
  { ort, loader, root, called }: Places,
  { source, wasm, restName }: { readonly source: string; readonly wasm: string; readonly restName: string },
): Promise<SplitRuntime | undefined> {
  const { manifestPath: manifest, wasmVariants: variants } = called;
  const profile = { folder: ort, wasm: join(ort, wasm), loader, manifest, variants };
  const cache = join(root, "node_modules/.cache/modelpack");
  try {
    return await splitRuntime(profile, { source: join(ort, source), restName, cache });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`modelpack: ${basename(wasm)} stays in one file: ${reason}\n`);
    return undefined;
  }
}

/** Code of the loader that takes its workers and onnxruntime from `runtime`; undefined where it mentions neither. */
export function useRuntime(code: string, runtime: Runtime, addressOf: AddressOf): string | undefined {
  const replaced = replaceImports(
    WORKERS.reduce(
      (text, name) => text.replaceAll(`new URL("./${name}",import.meta.url)`, `modelpackFile("${name}")`),
      code,
    ),
    (module) => `import(/* webpackIgnore: true */ /* @vite-ignore */ modelpackFile("${module}"))`,
  );
  if (replaced === code) return undefined;
  // A function, because importing the loader on a server must not ask for a page.
  return `${replaced}\nfunction modelpackFile(name) { return ${addressOf(`${runtime.path}/`)} + name; }\n`;
}

function replaceImports(code: string, replacement: (module: string) => string): string {
  return Object.values(BUILDS).reduce(
    (text, { name, module }) => text.replaceAll(`import("${name}")`, replacement(module)),
    code,
  );
}

function onnxruntimeFolder(root: string, loader: string): string {
  for (const from of [root, loader]) {
    try {
      return dirname(requireFrom(from).resolve("onnxruntime-web/wasm"));
    } catch {
      // With pnpm, only one of the two may see it.
    }
  }
  throw new PluginError("onnxruntime-web is not installed", "run `npm install onnxruntime-web`");
}

async function versionIn(ort: string): Promise<string> {
  return (JSON.parse(await readFile(join(ort, "../package.json"), "utf8")) as { version: string }).version;
}

async function hashOf(content: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const hash = createHash("sha256");
  for (const [name, source] of Object.entries(content)) {
    hash.update(name).update(typeof source === "string" ? await readFile(source) : source);
  }
  return hash.digest("hex").slice(0, HASH_DIGITS);
}

function requireFrom(folder: string): NodeJS.Require {
  return createRequire(join(folder, "package.json"));
}
