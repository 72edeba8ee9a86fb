/** A store in the Cache API, for browsers that cannot write files from a page. */
import { LAYOUT, type ModelStore } from "./store.ts";

// A host that cannot exist: no service worker's `caches.match` ever answers a page's request with an entry.
const ADDRESS = "https://modelpack.invalid/";

export async function cacheApiStore(caches: CacheStorage): Promise<ModelStore> {
  const cache = await caches.open(LAYOUT);
  return {
    kind: "cache-api",
    read: async (key) => {
      const found = await cache.match(ADDRESS + key);
      return found && new Uint8Array(await found.arrayBuffer());
    },
    write: (key, bytes) =>
      cache.put(ADDRESS + key, new Response(bytes, { headers: { "content-length": `${bytes.length}` } })),
    remove: async (key) => void (await cache.delete(ADDRESS + key)),
    list: async () => {
      const requests = (await cache.keys()).filter((request) => request.url.startsWith(ADDRESS));
      return Promise.all(
        requests.map(async (request) => ({
          key: request.url.slice(ADDRESS.length),
          sizeBytes: Number((await cache.match(request))?.headers.get("content-length") ?? 0),
        })),
      );
    },
  };
}
