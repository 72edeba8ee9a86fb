// index.js with what it loads later in files of their own; every other entry in one file, the worker's too.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const dir = process.argv[2] ?? join(root, "dist");
const licence = join(dirname(createRequire(import.meta.url).resolve("fzstd")), "..", "LICENSE");

// The decoder is fzstd, which asks for its licence to be kept.
const banner = `/*! zstd decoding: fzstd\n${(await readFile(licence, "utf8")).trim()}\n*/`;

// One file for all that a page needs at once: apart, small files compress to a tenth more.
const LATER = [
  "session",
  "attempt",
  "attach",
  "inputs",
  "rehearsal",
  "early",
  "open-runtime",
  "start",
  "model",
  "remote",
  "spawn",
  "tensors",
  "engine",
  "feeds",
  "runtime",
  "results",
  "decode",
  "decoder",
  "memory",
  "cache-api",
];
const isCore = (id) => id.startsWith(join(root, "src/")) && !LATER.includes(basename(id, ".ts"));

const entries = [
  // The decoder is an entry of its own, so that pages can leave it out.
  {
    input: "src/index.ts",
    external: /\/zstd\.ts$/,
    output: {
      paths: (id) => (/\/zstd\.ts$/.test(id) ? "./zstd.js" : id),
      codeSplitting: { groups: [{ name: "core", test: isCore }] },
    },
  },
  { input: "src/worker.ts" },
  { input: "src/node.ts", platform: "node" },
  {
    input: "src/transformers.ts",
    external: /load\.ts$/,
    output: { paths: (id) => (/load/.test(id) ? "./index.js" : id) },
  },
  { input: "src/zstd.ts", output: { postBanner: banner } },
  { input: "src/zstd-worker.ts", output: { postBanner: banner } },
];

const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));

await rm(dir, { recursive: true, force: true });
for (const { external, output, ...entry } of entries) {
  await build({
    cwd: root,
    platform: "browser",
    ...entry,
    transform: { define: { LOADER_VERSION: JSON.stringify(version) } },
    treeshake: { moduleSideEffects: (id) => id.endsWith("worker.ts") /* the decoder's, too */ },
    external: [/^onnxruntime-web/, ...(external ? [external] : [])],
    output: {
      dir,
      format: "esm",
      minify: true,
      sourcemap: true,
      chunkFileNames: "[name]-[hash].js",
      ...output,
    },
  });
}

// The minifier writes strings as templates, which not every bundler follows in imports and addresses.
for (const name of (await readdir(dir)).filter((file) => file.endsWith(".js"))) {
  const code = await readFile(join(dir, name), "utf8");
  await writeFile(join(dir, name), code.replace(/\b(import|new URL)\(`([^`$]+)`/g, '$1("$2"'));
}
