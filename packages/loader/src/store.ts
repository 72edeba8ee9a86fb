/**
 * Where verified chunks stay. Keys are the SHA-256 of the bytes, or a word for a note (such as a pin).
 * 1. Chunks are written after verification and verified again when read. 2. A store that fails is a store without the
 * entry: a load never fails for it. 3. Only entries of our own layout are read, listed or removed.
 */

export interface StoredEntry {
  readonly key: string;
  /** 0 where a tab that was closed, or is at work, has begun the entry and not finished it. */
  readonly sizeBytes: number;
}

export interface ModelStore {
  readonly kind: string;
  /** The entry, or undefined where there is none. */
  read(key: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined>;
  write(key: string, bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<void>;
  remove(key: string, signal?: AbortSignal): Promise<void>;
  list(signal?: AbortSignal): Promise<readonly StoredEntry[]>;
}

/** The layout; another layout has another name, so that an older release never reads it. */
export const LAYOUT = "modelpack-v1";
