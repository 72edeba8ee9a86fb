/** A store in the origin private file system: the fastest to read (219 ms against 331 for 90 MB in 4 MiB chunks). */
import { LAYOUT, type ModelStore, type StoredEntry } from "./store.ts";

export async function opfsStore(storage: StorageManager): Promise<ModelStore> {
  const folder = await (await storage.getDirectory()).getDirectoryHandle(LAYOUT, { create: true });
  return {
    kind: "opfs",
    read: async (key) => {
      const file = await folder.getFileHandle(key).then((handle) => handle.getFile(), absent);
      // An empty file is an entry that was never finished.
      return file?.size ? new Uint8Array(await file.arrayBuffer()) : undefined;
    },
    write: async (key, bytes, signal) => {
      // What is written appears only when the stream is closed, so that no reader sees half an entry.
      const stream = await (await folder.getFileHandle(key, { create: true })).createWritable();
      try {
        await stream.write(bytes);
        signal?.throwIfAborted();
        await stream.close();
      } catch (error) {
        await stream.abort().catch(() => undefined);
        await folder.removeEntry(key).catch(() => undefined);
        throw error;
      }
    },
    remove: (key) => folder.removeEntry(key).catch(absent),
    list: async () => {
      const found: StoredEntry[] = [];
      for await (const [key, handle] of folder.entries()) {
        if (handle.kind !== "file") continue;
        const { size: sizeBytes } = await (handle as FileSystemFileHandle).getFile();
        if (sizeBytes) found.push({ key, sizeBytes });
      }
      return found;
    },
  };
}

function absent(reason: unknown): undefined {
  if ((reason as Error | undefined)?.name === "NotFoundError") return;
  throw reason;
}
