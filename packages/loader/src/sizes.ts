/** What a variant is made of: files, chunks, bytes. */
import type { Chunk, Manifest, ManifestFile, Variant } from "./manifest.ts";
import type { LoadOptions } from "./types.ts";

/** The ids of the graph and of its data files. */
export function variantFileIds(variant: Variant): readonly string[] {
  return [variant.graph, ...variant.externalData.map((entry) => entry.file)];
}

/** The positions of the distinct chunks of the files, in order of first use. */
export function fileChunks(files: readonly ManifestFile[]): readonly number[] {
  const found = new Set<number>();
  for (const { parts } of files) for (const { chunk } of parts) if (chunk !== undefined) found.add(chunk);
  return [...found];
}

/** The distinct chunks of the variant, graph first. */
export function variantChunks(manifest: Manifest, variant: Variant): readonly Chunk[] {
  return chunksOf(manifest, filesOf(manifest, variantFileIds(variant)));
}

/** The id of the runtime's WebAssembly for `device`, where the caller has it not from elsewhere. */
export function runtimeFileId(
  { runtime }: Manifest,
  device: string,
  options: Pick<LoadOptions, "ort" | "runtime">,
): string | undefined {
  if (runtime?.package !== "onnxruntime-web" || options.ort || options.runtime?.wasmPaths) return undefined;
  return runtime.builds.get(device);
}

/** The distinct chunks of the files. */
export function chunksOf(manifest: Manifest, files: readonly ManifestFile[]): readonly Chunk[] {
  return fileChunks(files).map((position) => manifest.chunks[position] as Chunk);
}

/** The files of a manifest that was parsed, so that each id is there. */
export function filesOf(manifest: Manifest, ids: readonly string[]): readonly ManifestFile[] {
  return ids.map((id) => manifest.files.get(id) as ManifestFile);
}

/** What the host sends for all of `chunks`. */
export function transferBytes(chunks: readonly Chunk[]): number {
  return chunks.reduce((total, chunk) => total + chunk.transfer, 0);
}
