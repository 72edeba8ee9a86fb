/** Where files are in the bundler's output, and how its code names them. */
import { basename, join, relative, sep } from "node:path";

/** An expression for the address of a file of the output. */
export type AddressOf = (path: string) => string;

/** A file that is published as it is. */
export interface StaticFile {
  /** Its path in the output, with slashes. */
  readonly path: string;
  /** Its content, or the file to copy. */
  readonly source: Uint8Array | string;
}

/**
 * The folder of the pack in the output: as under `publicDir`, which bundlers copy as it is, or under a folder called `public`;
 * else the folder's own name.
 */
export function packPath(folder: string, publicDir: string | undefined): string {
  if (publicDir && isInside(folder, publicDir)) return slashes(relative(publicDir, folder));
  const parts = folder.split(sep);
  const position = parts.lastIndexOf("public");
  const inPublic = position >= 0 ? parts.slice(position + 1).join("/") : "";
  return inPublic || basename(folder);
}

/** Whether `path` lies in `folder`. */
export function isInside(path: string, folder: string): boolean {
  return path.startsWith(join(folder, sep));
}

// Stands for the way from a chunk to the root of the output, which is known only when the chunk has a name. It is replaced by
// text of the same length, so that source maps and what was computed from lengths stay right.
const ROOT_MARK = "__MODELPACK_OUTPUT_ROOT_OF_THIS_CHUNK__/";

/** Addresses relative to the chunk that names them. `resolveRoots` has to go over the chunk. */
export const besideChunk: AddressOf = (path) =>
  `new URL(${JSON.stringify(ROOT_MARK + path)}, modelpackBase).href`;
/** What `besideChunk` needs once in a module. Bundlers look for `new URL(…, import.meta.url)`, and must not find it. */
export const CHUNK_BASE = "const modelpackBase = import.meta.url;\n";

/** The chunk's code with every way to the root filled in; undefined if there is none. `chunkPath` has slashes. */
export function resolveRoots(code: string, chunkPath: string): string | undefined {
  return code.includes(ROOT_MARK) ? code.replaceAll(ROOT_MARK, wayToRoot(chunkPath)) : undefined;
}

/** "../" for each folder, filled up with steps that lead nowhere. */
function wayToRoot(chunkPath: string): string {
  const up = "../".repeat(chunkPath.split("/").length - 1);
  const left = ROOT_MARK.length - up.length;
  const odd = left % 2 ? "_/../" : "";
  return odd + "./".repeat(Math.max(0, left - odd.length) / 2) + up;
}

export function slashes(path: string): string {
  return path.split(sep).join("/");
}
