/** Rollup: it names its chunks last, and says where it wrote them. */
import { dirname } from "node:path";
import type { RollupPlugin } from "unplugin";
import { copyFiles } from "./copy.ts";
import type { Host } from "./host.ts";
import { resolveRoots } from "./placement.ts";
import type { Project } from "./project.ts";

/** What Rollup needs beside the common hooks. */
export function rollupHooks(project: Project, host: Host): Partial<RollupPlugin> {
  return {
    options() {
      const { watchMode } = this.meta;
      project.locate({ root: process.cwd() });
      host.isWatching = () => watchMode;
      return null;
    },
    renderChunk: fillInRoots,
    async writeBundle({ dir, file }) {
      const folder = dir ?? (file && dirname(file));
      if (folder) await copyFiles(await project.staticFiles(), folder);
    },
  };
}

/** The chunk with the addresses that depend on where it lies. */
export function fillInRoots(
  code: string,
  { fileName }: { readonly fileName: string },
): { code: string; map: null } | null {
  const filled = resolveRoots(code, fileName);
  return filled === undefined ? null : { code: filled, map: null };
}
