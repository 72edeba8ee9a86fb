/** The decoder in a worker of its own: a chunk of 4 MiB takes some 50 ms, in which the page would stand still. */
import { decodeZstd } from "./zstd.ts";

export interface Encoded {
  readonly id: number;
  readonly encoded: Uint8Array<ArrayBuffer>;
  /** Of what it decodes to. */
  readonly sizeBytes: number;
}

export interface Decoded {
  readonly id: number;
  /** Undefined where it is damaged. */
  readonly decoded: Uint8Array<ArrayBuffer> | undefined;
}

interface DecoderScope {
  onmessage?: (event: { readonly data: Encoded }) => void;
  postMessage(message: Decoded, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as DecoderScope;

scope.onmessage = ({ data: { id, encoded, sizeBytes } }) => {
  const target = new Uint8Array(sizeBytes);
  const decoded = isWhole(encoded, target) ? target : undefined;
  scope.postMessage({ id, decoded }, decoded ? [decoded.buffer] : []);
};

function isWhole(encoded: Uint8Array, target: Uint8Array): boolean {
  try {
    return decodeZstd(encoded, target).length === target.length;
  } catch {
    return false;
  }
}
