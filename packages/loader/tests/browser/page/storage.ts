/** What the loader has stored, read past the loader; and ways to damage it. */
const LAYOUT = "modelpack-v1";
const ADDRESS = "https://modelpack.invalid/";
const CHUNK_KEY = /^[0-9a-f]{64}$/;

export interface Stored {
  /** Keys of entries whose bytes have the digest that names them. */
  readonly sound: readonly string[];
  /** Keys of entries whose bytes have not: none, ever, unless a test damaged them. */
  readonly bad: readonly string[];
  /** Keys of files that are still empty: being written, or left behind by a tab that was killed. */
  readonly begun: readonly string[];
}

interface Entry {
  readonly key: string;
  readonly read: () => Promise<ArrayBuffer>;
  readonly write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly remove: () => Promise<unknown>;
}

/** The chunks in all stores, by whether they are what they are called. */
export async function stored(): Promise<Stored> {
  const sound: string[] = [];
  const bad: string[] = [];
  const begun: string[] = [];
  if (!globalThis.crypto?.subtle) return { sound, bad, begun };
  for (const { key, read } of await entries()) {
    const bytes = await read().catch(() => undefined); // removed in the meantime
    if (!bytes) continue;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const name = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    (bytes.byteLength === 0 ? begun : name === key ? sound : bad).push(key);
  }
  return { sound: sound.sort(), bad, begun };
}

/** Whether there is a note of the runtime of the last visit: it is written after the load, which does not wait for it. */
export async function isNoted(): Promise<boolean> {
  const found = [...(await cacheEntries()), ...(await fileEntries())].find(({ key }) =>
    /^runtime-/.test(key),
  );
  return ((await found?.read().catch(() => undefined))?.byteLength ?? 0) > 0;
}

/** Removes everything. */
export async function clearStorage(): Promise<void> {
  for (const name of await caches.keys()) await caches.delete(name);
  const root = await navigator.storage.getDirectory();
  for await (const name of root.keys()) await removeWhenFree(root, name);
}

/** An aborted load has answered before the browser has let go of the file that it was writing. */
async function removeWhenFree(root: FileSystemDirectoryHandle, name: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await root.removeEntry(name, { recursive: true });
    } catch (error) {
      if ((error as Error).name !== "NoModificationAllowedError" || tries === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Removes all chunks but the first `keep`, as a browser short of space might. */
export async function dropStored(keep: number): Promise<void> {
  for (const { remove } of (await entries()).slice(keep)) await remove();
}

/** Changes one bit of every chunk. */
export async function damageStored(): Promise<void> {
  for (const { read, write } of await entries()) {
    const bytes = new Uint8Array(await read());
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await write(bytes);
  }
}

async function entries(): Promise<readonly Entry[]> {
  const found = [...(await cacheEntries()), ...(await fileEntries())];
  return found.filter(({ key }) => CHUNK_KEY.test(key)).sort((a, b) => a.key.localeCompare(b.key));
}

async function cacheEntries(): Promise<readonly Entry[]> {
  if (!globalThis.caches || !(await caches.has(LAYOUT))) return [];
  const cache = await caches.open(LAYOUT);
  return (await cache.keys()).map((request) => ({
    key: request.url.slice(ADDRESS.length),
    read: async () => ((await cache.match(request)) as Response).arrayBuffer(),
    write: (bytes) => cache.put(request, new Response(bytes)),
    remove: () => cache.delete(request),
  }));
}

async function fileEntries(): Promise<readonly Entry[]> {
  const root = await navigator.storage?.getDirectory?.().catch(() => undefined);
  const folder = await root?.getDirectoryHandle(LAYOUT).catch(() => undefined);
  if (!folder) return [];
  const found: Entry[] = [];
  for await (const [key, handle] of folder.entries()) {
    const file = handle as FileSystemFileHandle;
    found.push({
      key,
      read: async () => (await file.getFile()).arrayBuffer(),
      write: async (bytes) => {
        const stream = await file.createWritable();
        await stream.write(bytes);
        await stream.close();
      },
      remove: () => folder.removeEntry(key),
    });
  }
  return found;
}
