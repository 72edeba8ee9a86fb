/** Results of earlier, equal inputs: bounded, the least recently used go first. */
import type { Feeds, Outputs, TensorLike } from "./types.ts";
import type { Hasher } from "./verify.ts";

const MAX_RESULTS = 64;
const MAX_BYTES = 16 * 2 ** 20;

export interface ResultCache {
  /** The stored outputs for `key`, as copies that the caller may change. */
  readonly get: (key: string) => Outputs | undefined;
  readonly set: (key: string, outputs: Outputs) => void;
}

/** An empty cache. */
export function resultCache(): ResultCache {
  const results = new Map<string, { readonly outputs: Outputs; readonly sizeBytes: number }>();
  let totalBytes = 0;
  const drop = (key: string): void => {
    totalBytes -= results.get(key)?.sizeBytes ?? 0;
    results.delete(key);
  };
  return {
    get: (key) => {
      const found = results.get(key);
      if (!found) return undefined;
      results.delete(key);
      results.set(key, found); // a Map keeps the order of insertion: the last is the most recent
      return structuredClone(found.outputs);
    },
    set: (key, outputs) => {
      const sizeBytes = Object.values(outputs).reduce((total, tensor) => total + bytesOf(tensor).length, 0);
      if (sizeBytes > MAX_BYTES) return;
      drop(key);
      results.set(key, { outputs: structuredClone(outputs), sizeBytes });
      totalBytes += sizeBytes;
      for (const oldest of results.keys()) {
        if (results.size <= MAX_RESULTS && totalBytes <= MAX_BYTES) break;
        drop(oldest);
      }
    },
  };
}

/** What results are filed under: the variant's digest, and the digest of names, types, shapes and bytes of the inputs. */
export async function inputKey(digest: string, feeds: Feeds, hasher: Hasher): Promise<string> {
  const names = Object.keys(feeds).sort();
  const tensors = names.map((name) => feeds[name] as TensorLike);
  const pieces = tensors.map(bytesOf);
  const heading = tensors.map(({ type, dims }, position) => [
    names[position],
    type,
    dims,
    pieces[position]?.length,
  ]);
  const blob = new Blob([JSON.stringify(heading), ...pieces]);
  return `${digest}:${await hasher(new Uint8Array(await blob.arrayBuffer()))}`;
}

function bytesOf({ data }: TensorLike): Uint8Array<ArrayBuffer> {
  if (!ArrayBuffer.isView(data)) return new TextEncoder().encode(JSON.stringify(data));
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
}
