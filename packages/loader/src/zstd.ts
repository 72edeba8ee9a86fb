/** Its own entry, loaded only for zstd chunks and where no worker decodes them: browsers decode gzip themselves, zstd not yet. */
import { decompress } from "fzstd";

/** Decodes one zstd frame into `target` and gives back the part that was filled. Throws if it is damaged or too long. */
export function decodeZstd(encoded: Uint8Array, target: Uint8Array): Uint8Array {
  return decompress(encoded, target);
}
