// Builds what is served: the pack, the same weights as one file, and a page for each contender, all bundled alike.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import { build } from "vite";
import { splitRuntime } from "../../packages/unplugin/dist/split/split-runtime.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HERE = join(ROOT, "benchmarks/loader");
export const WORK = join(ROOT, "benchmarks/.loader");
export const SITE = join(WORK, "site");
const PEERS = join(WORK, "peers/node_modules");
const TRANSFORMERS = "@huggingface/transformers@4.3.1";
const PLAIN = "ort-wasm-simd-threaded";
const PYTHON = process.env.MODELPACK_PYTHON ?? join(ROOT, ".venv/bin/python");
const CONFIG = `[output]
path = "packs"
host = "nginx"

[models.minilm]
source = "model.onnx"
outputs = ["sentence_embedding"]

[models.minilm.variants]
q8 = { device = "wasm" }
`;
// With golden.jsonl and tokenizer.json beside the model, a variant on entropy-shaped grids as well.
const SHAPED = `small = { dtype = "q8", shape = "entropy", device = "wasm" }

[models.minilm.golden]
samples = "golden.jsonl"
tokenizer = "tokenizer.json"
metrics = { cosine = ">= 0.985" }
`;
const COMPANIONS = ["golden.jsonl", "tokenizer.json"];

/** Stages everything for the model at `modelPath`. */
export async function stage(modelPath) {
  rmSync(SITE, { recursive: true, force: true });
  stageModel(modelPath);
  stagePeers();
  await stageSplit();
  await stagePages();
  await compress(SITE);
}

/** Whether the staged pack has a shaped variant. */
export function hasShaped() {
  const { models } = JSON.parse(readFileSync(join(SITE, "packs/manifest.json")));
  return models.minilm.variants.some(({ id }) => id === "small");
}

function stageModel(modelPath) {
  const project = join(WORK, "minilm");
  mkdirSync(project, { recursive: true });
  copyFileSync(modelPath, join(project, "model.onnx"));
  const beside = COMPANIONS.map((name) => join(dirname(modelPath), name));
  const isShaped = beside.every(existsSync);
  for (const path of isShaped ? beside : []) copyFileSync(path, join(project, basename(path)));
  writeFileSync(join(project, "modelpack.toml"), isShaped ? CONFIG + SHAPED : CONFIG);
  execFileSync(PYTHON, ["-m", "modelpack", "build", "-q", "-C", project], { stdio: "inherit" });
  cpSync(join(project, "packs"), join(SITE, "packs"), { recursive: true });
  const target = join(SITE, "models/minilm/onnx/model_quantized.onnx");
  execFileSync(PYTHON, [join(HERE, "one_file.py"), join(project, "packs"), "minilm", "q8", target], {
    stdio: "inherit",
  });
  writeFileSync(
    join(SITE, "models/minilm/config.json"),
    JSON.stringify({ model_type: "bert", architectures: ["BertModel"] }),
  );
}

function stagePeers() {
  if (!existsSync(join(PEERS, "@huggingface"))) {
    const folder = join(WORK, "peers");
    execFileSync("npm", ["install", "--silent", "--ignore-scripts", "--prefix", folder, TRANSFORMERS], {
      stdio: "inherit",
    });
  }
  mkdirSync(join(SITE, "ort-peer/assets"), { recursive: true });
  for (const name of ["ort-wasm-simd-threaded", "ort-wasm-simd-threaded.asyncify"]) {
    for (const ending of [".mjs", ".wasm"]) {
      copyFileSync(
        join(PEERS, "onnxruntime-web/dist", name + ending),
        join(SITE, "ort-peer/assets", name + ending),
      );
    }
  }
}

// onnxruntime in two files, as the bundler's plugin publishes it.
async function stageSplit() {
  const { models } = JSON.parse(readFileSync(join(SITE, "packs/manifest.json")));
  const variants = models.minilm.variants.map(({ id, digest }) => ({ model: "minilm", variant: id, digest }));
  const folder = join(ROOT, "node_modules/onnxruntime-web/dist");
  const wasm = join(folder, `${PLAIN}.wasm`);
  const loader = join(ROOT, "packages/loader/dist");
  const restName = `${PLAIN}.rest.wasm`;
  const files = await splitRuntime(
    { folder, wasm, loader, manifest: join(SITE, "packs/manifest.json"), variants },
    { source: join(folder, "ort.wasm.bundle.min.mjs"), restName, cache: WORK },
  );
  const target = join(SITE, "ort/assets");
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "ort.wasm.js"), files.script);
  copyFileSync(files.first, join(target, `${PLAIN}.wasm`));
  copyFileSync(files.rest, join(target, restName));
}

async function stagePages() {
  const web = join(PEERS, "@huggingface/transformers/dist/transformers.web.js");
  const plain = { "onnxruntime-web/webgpu": join(PEERS, "onnxruntime-web/dist/ort.wasm.min.mjs") };
  const pin = createHash("sha256")
    .update(readFileSync(join(SITE, "packs/manifest.json")))
    .digest("hex");
  const runtime = { moduleUrl: "/ort/assets/ort.wasm.js" };
  const given = { pin, variant: "q8", runtime };
  await stagePage("modelpack", "modelpack.mjs", given);
  await stagePage("whole", "modelpack.mjs", { pin, variant: "q8" });
  await stagePage("kept", "modelpack.mjs", { ...given, worker: "shared" });
  if (hasShaped()) await stagePage("shaped", "modelpack.mjs", { ...given, variant: "small" });
  await stagePage("single", "single.mjs", {});
  const transformers = { "@huggingface/transformers": web };
  const asyncify = { wasmPaths: runtimePaths("ort-wasm-simd-threaded.asyncify") };
  await stagePage("transformers", "transformers.mjs", asyncify, transformers);
  const tuned = { wasmPaths: runtimePaths("ort-wasm-simd-threaded") };
  await stagePage("tuned", "transformers.mjs", tuned, { ...transformers, ...plain });
}

function runtimePaths(name) {
  return { mjs: `/ort-peer/assets/${name}.mjs`, wasm: `/ort-peer/assets/${name}.wasm` };
}

// A page of its own folder, whose script finds `given` in `globalThis.given`.
async function stagePage(name, script, given, alias = {}) {
  const root = join(WORK, "entry", name);
  mkdirSync(root, { recursive: true });
  const first = `<script>globalThis.given = ${JSON.stringify(given)}</script>`;
  const entry = `<script type="module">import ${JSON.stringify(join(HERE, "pages", script))};</script>`;
  writeFileSync(
    join(root, "index.html"),
    `<!doctype html><meta charset="utf-8"><title>${name}</title>${first}${entry}`,
  );
  await build({
    root,
    base: `/${name}/`,
    logLevel: "warn",
    resolve: { alias },
    worker: { format: "es" },
    build: { outDir: join(SITE, name), emptyOutDir: true, chunkSizeWarningLimit: 5000 },
  });
}

// Brotli as a build step would: 11, and 9 for the runtimes, which takes minutes less and is the same for all.
async function compress(folder) {
  const cache = join(WORK, "brotli");
  mkdirSync(cache, { recursive: true });
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(js|mjs|json|html|wasm|onnx)$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path);
    const kept = join(cache, createHash("sha256").update(content).digest("hex"));
    if (!existsSync(kept)) {
      const quality = entry.name.endsWith(".wasm") ? 9 : 11;
      const params = {
        [constants.BROTLI_PARAM_QUALITY]: quality,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      };
      writeFileSync(kept, await promisify(brotliCompress)(content, { params }));
    }
    copyFileSync(kept, `${path}.br`);
  }
}
