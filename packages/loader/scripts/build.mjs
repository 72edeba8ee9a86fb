// One file per entry and one for what entries share; the zstd decoder stays apart, with its licence.
import { readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const licence = await readFile(
  join(dirname(createRequire(import.meta.url).resolve("fzstd")), "..", "LICENSE"),
  "utf8",
);
await rm("dist", { recursive: true, force: true });

const common = {
  bundle: true,
  format: "esm",
  target: "es2022",
  outdir: "dist",
  minify: true,
  sourcemap: true,
  legalComments: "inline",
};

await build({
  ...common,
  entryPoints: ["index", "worker", "node", "transformers"].map((name) => `src/${name}.ts`),
  splitting: true,
  chunkNames: "shared-[hash]",
  external: ["onnxruntime-web", "onnxruntime-web/*", "node:*"],
  plugins: [
    {
      name: "zstd-apart",
      setup: ({ onResolve }) => {
        onResolve({ filter: /^\.\/zstd\.ts$/ }, () => ({ path: "./zstd.js", external: true }));
      },
    },
  ],
});

await build({
  ...common,
  entryPoints: ["src/zstd.ts"],
  banner: { js: `/*! zstd decoding: fzstd\n${licence.trim()}\n*/` },
});
