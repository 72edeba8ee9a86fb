/** Stored forms → plain bytes. Loaded only when a manifest has them. */
import { canDecodeApart, decodeApart, warmUp } from "./decoder.ts";
import { ModelpackError } from "./errors.ts";
import type { StoredForm } from "./forms.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Fills a target with what chunks of the form decode to. Its worker, if it has one, starts now. */
export function decoderOf(form: StoredForm): (target: Bytes, encoded: Bytes) => Promise<boolean> {
  if (form === "zstd") warmUp();
  return (target, encoded) => decodeInto(target, encoded, form);
}

/**
 * Fills `target` with what `encoded` decodes to; false where it is damaged or, of gzip, of another length. Of zstd, what
 * is too short or too long is cut to the target, never beyond: the hash tells.
 */
export async function decodeInto(target: Bytes, encoded: Bytes, form: StoredForm): Promise<boolean> {
  try {
    return form === "gzip" ? await gunzipInto(target, encoded) : await unzstdInto(target, encoded);
  } catch (error) {
    if (error instanceof ModelpackError) throw error;
    return false; // damaged in a way that the decoder noticed first
  }
}

async function gunzipInto(target: Bytes, encoded: Bytes): Promise<boolean> {
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

async function unzstdInto(target: Bytes, encoded: Bytes): Promise<boolean> {
  if (canDecodeApart()) {
    try {
      const decoded = await decodeApart(encoded, target.length);
      if (decoded) target.set(decoded);
      return decoded !== undefined;
    } catch {
      // No worker may be had here: then the page does it.
    }
  }
  const { decodeZstd } = await import("./zstd.ts").catch((cause: unknown) => {
    throw new ModelpackError("CHUNK_FETCH", "the zstd decoder did not load", { cause, retryable: true });
  });
  return decodeZstd(encoded, target).length === target.length;
}
