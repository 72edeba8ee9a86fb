/** Whether the host takes what the bundler publishes. modelpack has checked what it published itself. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { PluginError } from "./failure.ts";
import type { StaticFile } from "./placement.ts";
import type { BuiltPack } from "./tool.ts";

/** Throws PluginError if one of the files is larger than the host's limit. */
export async function checkSizes(
  files: readonly StaticFile[],
  { host, fileLimitBytes }: Pick<BuiltPack, "host" | "fileLimitBytes">,
): Promise<void> {
  if (fileLimitBytes === undefined) return;
  for (const { path, source } of files) {
    const size = typeof source === "string" ? (await stat(source)).size : source.length;
    if (size <= fileLimitBytes) continue;
    throw new PluginError(
      `${basename(path)} has ${megabytes(size)}, and ${host} takes files up to ${megabytes(fileLimitBytes)}`,
      'publish it in chunks: [runtime] package = "onnxruntime-web" in modelpack.toml',
    );
  }
}

function megabytes(size: number): string {
  return `${(size / 1e6).toFixed(1)} MB`;
}
