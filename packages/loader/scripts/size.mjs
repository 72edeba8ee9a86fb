// What a page transfers of the loader, as its bundler makes it of the built files; fails above the budget.
// Never counted: onnxruntime-web and the zstd decoder, which is loaded only for packs that need it.
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BUDGETS = {
  "before the first byte of a model is asked for": 10_000,
  "beside the manifest and the weights": 4900,
  "in the worker": 3600,
};
const DIST = process.argv[2] ?? fileURLToPath(new URL("../dist", import.meta.url));

async function bundle(contents) {
  const { metafile, outputFiles } = await build({
    stdin: { contents, resolveDir: DIST },
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    write: false,
    metafile: true,
    logLevel: "error",
    outdir: "out",
    external: ["onnxruntime-web/*", "./zstd.js"],
  });
  const bytesOf = (name) => {
    const file = outputFiles.find(({ path }) => path.endsWith(name));
    return gzipSync(file.contents, { level: 9 }).length;
  };
  return { outputs: metafile.outputs, bytesOf };
}

// An output and what it imports at once.
function withImports(outputs, first) {
  const names = new Set(first);
  for (const name of names) {
    for (const { path, kind } of outputs[name].imports)
      if (kind === "import-statement" && path in outputs) names.add(path);
  }
  return [...names];
}

const total = (names, bytesOf) => names.reduce((sum, name) => sum + bytesOf(name), 0);

const { outputs, bytesOf } = await bundle('export { load } from "./index.js"');
const entry = Object.keys(outputs).filter((name) => outputs[name].entryPoint === "<stdin>");
const session = Object.keys(outputs).filter((name) => /session-/.test(outputs[name].entryPoint ?? ""));
const start = withImports(outputs, entry);
const later = withImports(outputs, session).filter((name) => !start.includes(name));
const worker = await bundle('export * from "./worker.js"');

const found = [
  total(start, bytesOf),
  total(later, bytesOf),
  total(Object.keys(worker.outputs), worker.bytesOf),
];
for (const [position, [what, budget]] of Object.entries(BUDGETS).entries()) {
  console.log(`${found[position]} bytes gzipped of ${budget} ${what}`);
  if (!(found[position] > 0 && found[position] <= budget)) process.exitCode = 1;
}
