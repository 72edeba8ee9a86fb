/** A store that lasts as long as the page. */
import type { ModelStore } from "./store.ts";

export function memoryStore(): ModelStore {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    kind: "memory",
    read: async (key) => entries.get(key),
    write: async (key, bytes) => void entries.set(key, bytes.slice()),
    remove: async (key) => void entries.delete(key),
    list: async () => [...entries].map(([key, bytes]) => ({ key, sizeBytes: bytes.length })),
  };
}

/** One for the page: a second load finds what the first one fetched. */
export const sharedMemory: ModelStore = memoryStore();
