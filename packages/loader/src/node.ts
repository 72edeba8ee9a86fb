/** For Node 20 and later: packs from disk, and a store on disk. Its own entry, so that no bundle for browsers meets `node:`. */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LAYOUT, type ModelStore } from "./store.ts";
import type { FetchLike } from "./types.ts";

/** A fetch that also reads `file:` URLs. Give it to `load` as `fetch`. */
export const fileFetch: FetchLike = async (url, init) => {
  if (!url.startsWith("file:")) return fetch(url, init);
  init.signal?.throwIfAborted();
  try {
    return new Response(await readFile(new URL(url), { signal: init.signal ?? undefined }));
  } catch (error) {
    init.signal?.throwIfAborted();
    if (isMissing(error)) return new Response(null, { status: 404 });
    throw error;
  }
};

/** A store in a folder, which may be shared by processes: files appear whole or not at all. */
export function diskStore(folder: string): ModelStore {
  const root = join(folder, LAYOUT);
  return {
    kind: "disk",
    read: (key) => readFile(join(root, key)).then((content) => new Uint8Array(content), absent),
    write: async (key, bytes) => {
      await mkdir(root, { recursive: true });
      const temporary = join(root, `.${key}.${randomUUID()}`);
      try {
        await writeFile(temporary, bytes);
        await rename(temporary, join(root, key));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    remove: (key) => rm(join(root, key), { force: true }),
    list: async () => {
      const names = ((await readdir(root).catch(absent)) ?? []).filter((name) => !name.startsWith("."));
      return Promise.all(names.map(async (key) => ({ key, sizeBytes: (await stat(join(root, key))).size })));
    },
  };
}

function absent(error: unknown): undefined {
  if (isMissing(error)) return;
  throw error;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
