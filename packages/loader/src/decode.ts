import { ModelpackError } from "./errors.ts";

/** Decodes a whole zstd frame into `target`. */
export type ZstdDecoder = (encoded: Uint8Array, target: Uint8Array) => Uint8Array;

/** The stored form that the first bytes announce, or undefined for plain bytes. */
export function sniffForm(bytes: Uint8Array): "gzip" | "zstd" | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0x1f && b === 0x8b) return "gzip";
  return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd ? "zstd" : undefined;
}

/** Fills `target` with what `encoded` decodes to; whether it fits exactly. */
export async function decodeInto(
  target: Uint8Array<ArrayBuffer>,
  encoded: Uint8Array<ArrayBuffer>,
  form: "gzip" | "zstd",
): Promise<boolean> {
  try {
    return form === "gzip" ? await gunzipInto(target, encoded) : await unzstdInto(target, encoded);
  } catch (error) {
    if (error instanceof ModelpackError) throw error;
    return false; // damaged in a way that the decoder noticed first
  }
}

async function gunzipInto(
  target: Uint8Array<ArrayBuffer>,
  encoded: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const stream = new Blob([encoded]).stream().pipeThrough(new DecompressionStream("gzip"));
  let filled = 0;
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return filled === target.length;
    if (filled + value.length > target.length) {
      await reader.cancel(); // a bomb: no more than the target is ever held
      return false;
    }
    target.set(value, filled);
    filled += value.length;
  }
}

async function unzstdInto(
  target: Uint8Array<ArrayBuffer>,
  encoded: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const { decodeZstd } = await import("./zstd.ts").catch((cause: unknown) => {
    throw new ModelpackError("CHUNK_FETCH", "the zstd decoder did not load", { cause, retryable: true });
  });
  return decodeZstd(encoded, target).length === target.length;
}
