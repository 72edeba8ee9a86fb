/** esbuild: it has no hook for chunks, so that they are gone over when they are written. */
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { BuildOptions, PluginBuild } from "esbuild";
import { copyFiles } from "./copy.ts";
import { PluginError } from "./failure.ts";
import type { Host } from "./host.ts";
import { besideChunk, CHUNK_BASE, resolveRoots, slashes } from "./placement.ts";
import type { Project } from "./project.ts";

/** What esbuild needs beside the common hooks. */
export function esbuildHooks(project: Project, host: Host): { setup: (build: PluginBuild) => void } {
  return {
    setup: (build) => {
      const { initialOptions: options } = build;
      const root = resolve(options.absWorkingDir ?? process.cwd());
      const output = outputFolder(options, root);
      project.locate({ root });
      nameFiles(host, options);
      options.metafile = true;
      build.onEnd(async ({ errors, metafile }) => {
        if (errors.length || !metafile) return;
        for (const path of Object.keys(metafile.outputs)) await fillInRoots(join(root, path), output);
        await copyFiles(await project.staticFiles(), output);
      });
    },
  };
}

function outputFolder({ outdir, outfile, write }: BuildOptions, root: string): string {
  const folder = outdir ?? (outfile && dirname(outfile));
  if (folder && write !== false) return resolve(root, folder);
  throw new PluginError(
    "esbuild does not write to a folder",
    "set outdir: models are published beside the scripts",
  );
}

function nameFiles(host: Host, { publicPath, format }: BuildOptions): void {
  if (publicPath !== undefined) {
    const base = publicPath.endsWith("/") ? publicPath : `${publicPath}/`;
    host.addressOf = () => (path) => `new URL(${JSON.stringify(base + path)}, document.baseURI).href`;
    host.preamble = () => "";
  } else {
    host.addressOf = () => besideChunk;
    host.preamble = () => (format === "esm" ? CHUNK_BASE : SCRIPT_BASE);
  }
}

// Scripts that are no modules know where they are only while they are first run.
const SCRIPT_BASE =
  "var modelpackBase = globalThis.document?.currentScript?.src ?? globalThis.document?.baseURI;\n";

async function fillInRoots(path: string, output: string): Promise<void> {
  if (!/\.[cm]?js$/.test(path)) return;
  const filled = resolveRoots(await readFile(path, "utf8"), slashes(relative(output, path)));
  if (filled !== undefined) await writeFile(path, filled);
}
