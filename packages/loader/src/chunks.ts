/** A chunk from the store or else from the network, verified in either case. */
import { abortable, throwIfAborted } from "./abort.ts";
import { type DownloadOptions, fetchChunk } from "./download.ts";
import { ModelpackError, messageOf } from "./errors.ts";
import { withLock } from "./locks.ts";
import type { Chunk } from "./manifest.ts";
import type { ProgressMeter } from "./progress.ts";
import type { ModelStore } from "./store.ts";

export interface ChunkSource {
  readonly download: DownloadOptions;
  readonly keeper: Keeper;
  readonly locks: LockManager | undefined;
  readonly meter: ProgressMeter;
}

/** A store whose failures are one warning, not an end. */
export interface Keeper {
  readonly store: ModelStore;
  /** Fills `target` with the chunk's verified bytes; whether they were there. Removes what is damaged. */
  read(chunk: Chunk, target: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<boolean>;
  write(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void>;
}

/** A keeper over `store`. Without a hasher nothing is read or written: it could not be believed. */
export function keeperOf(
  store: ModelStore,
  hasher: DownloadOptions["hasher"],
  warn: (warning: ModelpackError) => void,
): Keeper {
  let isFull = false;
  return {
    store,
    read: async (chunk, target, signal) => {
      if (!hasher) return false;
      const found = await abortable(store.read(chunk.hash, signal), signal).catch(() => undefined);
      throwIfAborted(signal);
      if (!found) return false;
      if (found.length === chunk.size && (await hasher(found, signal)) === chunk.hash) {
        target.set(found);
        return true;
      }
      throwIfAborted(signal);
      await store.remove(chunk.hash, signal).catch(() => undefined);
      return false;
    },
    write: async (chunk, bytes, signal) => {
      if (!hasher || isFull) return;
      throwIfAborted(signal);
      try {
        await abortable(store.write(chunk.hash, bytes, signal), signal);
      } catch (cause) {
        throwIfAborted(signal);
        if (isFull) return;
        isFull = true;
        await store.remove(chunk.hash, signal).catch(() => undefined);
        const hint = "the model runs, and is fetched again on the next visit";
        warn(new ModelpackError("QUOTA", `chunks cannot be stored: ${messageOf(cause)}`, { cause, hint }));
      }
    },
  };
}

/** Whether what is written outlives the page. */
export function isShared({ kind }: ModelStore): boolean {
  return kind !== "memory" && kind !== "none";
}

/** Fills `target` with the chunk's verified bytes. */
export async function obtainChunk(
  chunk: Chunk,
  target: Uint8Array<ArrayBuffer>,
  source: ChunkSource,
  signal: AbortSignal,
): Promise<void> {
  const { keeper, meter, download } = source;
  if (await keeper.read(chunk, target, signal)) return meter.cached(chunk);
  const locks = isShared(keeper.store) ? source.locks : undefined;
  await withLock(chunk.hash, locks, signal, async () => {
    // Another tab may have stored it while this one waited.
    if (locks && (await keeper.read(chunk, target, signal))) return meter.cached(chunk);
    await fetchChunk(chunk, target, download, signal, (share) => meter.receiving(chunk, share));
    await keeper.write(chunk, target, signal);
    meter.received(chunk);
  });
}
