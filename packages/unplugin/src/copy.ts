/** Files into the output, as they are. */
import { type Dirent, promises } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { type StaticFile, slashes } from "./placement.ts";

/** The part of a file system that is written to: Node's, or the one in memory that a dev server reads from. */
export interface OutputFiles {
  mkdir(path: string, options: { readonly recursive: true }): Promise<unknown>;
  stat(path: string): Promise<{ readonly size: number }>;
  writeFile(path: string, bytes: Uint8Array): Promise<unknown>;
}

const CHANGING = "manifest.json"; // all other names follow from the content

/** The files of a pack, its manifests last, so that at every instant what a manifest names is there. */
export async function packFiles(folder: string, packPath: string): Promise<readonly StaticFile[]> {
  const entries = await promises.readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter(isPublished).map((entry) => join(entry.parentPath, entry.name));
  const isManifest = (path: string): number => Number(basename(path).startsWith("manifest"));
  return paths
    .sort((one, other) => isManifest(one) - isManifest(other) || one.localeCompare(other))
    .map((source) => ({ path: `${packPath}/${slashes(relative(folder, source))}`, source }));
}

/** Writes what is not there yet. One file at a time: the largest is onnxruntime's wasm, 28 MB. */
export async function copyFiles(
  files: readonly StaticFile[],
  outputFolder: string,
  output: OutputFiles = promises,
): Promise<void> {
  for (const { path, source } of files) {
    const target = join(outputFolder, path);
    if (target === source || (await isThere(target, source, output))) continue;
    await output.mkdir(dirname(target), { recursive: true });
    await output.writeFile(target, await contentOf(source));
  }
}

/** The bytes of a static file. */
export async function contentOf(source: StaticFile["source"]): Promise<Uint8Array> {
  return typeof source === "string" ? promises.readFile(source) : source;
}

/** Scratch files of a build that is running have names with a dot in front. */
function isPublished(entry: Dirent): boolean {
  return entry.isFile() && !entry.name.startsWith(".");
}

async function isThere(target: string, source: StaticFile["source"], output: OutputFiles): Promise<boolean> {
  if (basename(target) === CHANGING) return false;
  try {
    const { size } = typeof source === "string" ? await promises.stat(source) : { size: source.length };
    return (await output.stat(target)).size === size;
  } catch {
    return false;
  }
}
