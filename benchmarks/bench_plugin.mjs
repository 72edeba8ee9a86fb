// A production build by Vite of the same small app, in four ways: with the plugin; with the loader and a pack in public/, bundled by
// Vite itself; and with one .onnx file in public/ and onnxruntime-web imported directly, as it comes and as plain wasm.
// node benchmarks/bench_plugin.mjs: ratios of the shortest of seven builds, which take turns (other programs only ever add); `npm run build` has to have run. The pack is built
// before: a build of the page finds that nothing changed, as most do.
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import modelpack from "../packages/unplugin/dist/vite.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const STAGE = join(ROOT, "benchmarks/.plugin");
const ROUNDS = 7;
const FEEDS = '{ type: "float32", data: new Float32Array(64), dims: [1, 1, 8, 8] }';
const CONFIGURATION = `[output]
path = "public/models"
[models.digits]
source = "digits.onnx"
variants = { q8 = { device = "wasm" }, fp32 = { device = "wasm" } }
`;

const withLoader = (reference) => `import { load } from "@modelpack/loader";
${reference}
const model = await load(digits);
const { logits } = await model.run({ image: ${FEEDS} });
document.body.textContent = logits.data.join(" ");`;

const direct = (module) => `import * as ort from "${module}";
const session = await ort.InferenceSession.create("digits.onnx");
const { logits } = await session.run({ image: new ort.Tensor("float32", new Float32Array(64), [1, 1, 8, 8]) });
document.body.textContent = logits.data.join(" ");`;

const APPS = {
  "the plugin": {
    code: withLoader('import digits from "modelpack:digits";'),
    plugins: [modelpack()],
    pack: true,
  },
  "the loader alone, a pack in public/": {
    code: withLoader('const digits = "models/manifest.json#digits";'),
    pack: true,
    worker: { format: "es" },
  },
  "onnxruntime-web, a model in public/": { code: direct("onnxruntime-web") },
  "onnxruntime-web/wasm, a model in public/": { code: direct("onnxruntime-web/wasm") },
};

function stage(name, { code, pack }) {
  const app = join(STAGE, name.replaceAll(/\W+/g, "-"));
  mkdirSync(join(app, "public"), { recursive: true });
  writeFileSync(
    join(app, "index.html"),
    '<!doctype html><body><script type="module" src="/main.js"></script>',
  );
  writeFileSync(join(app, "main.js"), code);
  cpSync(join(ROOT, "examples/digits/models/digits.onnx"), join(app, pack ? "" : "public", "digits.onnx"));
  if (pack) writeFileSync(join(app, "modelpack.toml"), CONFIGURATION);
  return app;
}

async function seconds(app, { plugins = [], worker }) {
  const began = performance.now();
  await build({ root: app, base: "./", configFile: false, logLevel: "silent", plugins, worker });
  return (performance.now() - began) / 1000;
}

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

rmSync(STAGE, { recursive: true, force: true });
const contenders = Object.entries(APPS).map(([name, options]) => ({
  name,
  app: stage(name, options),
  options,
  times: [],
}));
// The pack of the app without the plugin is the one that the plugin builds.
const [first, second] = contenders;
for (const { app, options } of contenders) {
  await seconds(app, options);
  if (app === first.app) cpSync(join(app, "public"), join(second.app, "public"), { recursive: true });
}
for (let round = 0; round < ROUNDS; round += 1)
  for (const { app, options, times } of contenders) times.push(await seconds(app, options));

console.log(
  "| Vite build with | time ÷ the plugin's | bytes written | wasm files | scripts |\n|---|---|---|---|---|",
);
for (const { name, app, times } of contenders) {
  const files = filesIn(join(app, "dist"));
  const sum = (some) => some.reduce((total, path) => total + statSync(path).size, 0);
  const wasm = files.filter((path) => path.endsWith(".wasm")).map((path) => basename(path));
  const ratio = (Math.min(...times) / Math.min(...first.times)).toFixed(2);
  const scripts = sum(files.filter((path) => path.endsWith(".js")));
  console.log(`| ${name} | ${ratio} | ${sum(files)} | ${wasm.length}: ${wasm.join(", ")} | ${scripts} |`);
}
