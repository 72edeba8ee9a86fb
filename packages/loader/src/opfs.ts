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
      const handle = await folder.getFileHandle(key, { create: true });
      let stream: FileSystemWritableFileStream | undefined;
      try {
        signal?.throwIfAborted();
        stream = await handle.createWritable();
        signal?.throwIfAborted();
        await stream.write(bytes);
        signal?.throwIfAborted();
        await stream.close();
      } catch (error) {
        await stream?.abort().catch(() => undefined);
        await folder.removeEntry(key).catch(() => undefined);
        throw error;
      }
    },
    remove: (key) => folder.removeEntry(key).catch(absent),
    list: async () => {
      const sizes: Promise<StoredEntry>[] = [];
      for await (const [key, handle] of folder.entries()) {
        if (handle.kind === "file") sizes.push(sizeOf(key, handle as FileSystemFileHandle));
      }
      return Promise.all(sizes);
    },
  };
}

/** Empty where the entry has gone since it was listed. */
async function sizeOf(key: string, handle: FileSystemFileHandle): Promise<StoredEntry> {
  const file = await handle.getFile().catch(absent);
  return { key, sizeBytes: file?.size ?? 0 };
}

function absent(reason: unknown): undefined {
  if ((reason as Error | undefined)?.name === "NotFoundError") return;
  throw reason;
}
