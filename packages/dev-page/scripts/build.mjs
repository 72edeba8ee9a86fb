// One script for the page; the loader stays apart, as `modelpack dev` serves the one that the project uses.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const dir = join(root, "dist");

await rm(dir, { recursive: true, force: true });
await mkdir(dir, { recursive: true });
await build({
  cwd: root,
  platform: "browser",
  input: { page: "src/main.ts" },
  external: ["@modelpack/loader"],
  output: {
    dir,
    format: "esm",
    minify: true,
    entryFileNames: "[name].js",
    paths: { "@modelpack/loader": "/loader/index.js" },
  },
});
for (const name of ["index.html", "page.css", "mark.svg"])
  await copyFile(join(root, "src", name), join(dir, name));
