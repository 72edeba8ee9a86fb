/** The pack and the runtime for Vite's dev server: read from where they are, and never a page in place of a file. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";
import { pipeline } from "node:stream/promises";
import { isInside, type StaticFile } from "./placement.ts";
import type { Published } from "./project.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Answers requests below `base` for what is published; says whether the address is one of those. */
export async function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  { base, published }: { readonly base: string; readonly published: Published },
): Promise<boolean> {
  const path = pathBelow(base, request.url ?? "");
  if (path === undefined || !isPublished(path, published)) return false;
  const source = sourceOf(path, published);
  const size = source === undefined ? undefined : await sizeOf(source);
  if (source === undefined || size === undefined) {
    response.writeHead(404, { "content-type": "text/plain" }).end("not published by modelpack\n");
    return true;
  }
  response.writeHead(200, {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    "content-length": size,
    "cache-control": path.endsWith("/manifest.json") ? "no-cache" : "public, max-age=31536000, immutable",
  });
  if (request.method === "HEAD") response.end();
  else if (typeof source === "string")
    await pipeline(createReadStream(source), response).catch(() => undefined); // a page that left, a file that went
  else response.end(source);
  return true;
}

/** The path of an address, decoded; undefined if it is not below `base` or cannot be decoded. */
function pathBelow(base: string, address: string): string | undefined {
  try {
    const path = decodeURIComponent(new URL(address, "http://localhost").pathname);
    return path.startsWith(base) ? path.slice(base.length) : undefined;
  } catch {
    return undefined;
  }
}

function isPublished(path: string, { packPath, runtime }: Published): boolean {
  return [packPath, runtime?.path].some((folder) => folder && path.startsWith(`${folder}/`));
}

/** The file for a path of the output; undefined if there can be none. */
function sourceOf(path: string, { pack, packPath, runtime }: Published): StaticFile["source"] | undefined {
  if (!path.startsWith(`${packPath}/`)) return runtime?.files.find((file) => file.path === path)?.source;
  const file = normalize(join(pack.folder, path.slice(packPath.length)));
  return isInside(file, pack.folder) ? file : undefined;
}

async function sizeOf(source: StaticFile["source"]): Promise<number | undefined> {
  if (typeof source !== "string") return source.length;
  try {
    const found = await stat(source);
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined;
  }
}
