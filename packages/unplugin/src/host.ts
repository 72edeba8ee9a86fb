/** How one bundler differs from the others. Each bundler's own hooks fill it in before anything is built. */
import { type AddressOf, besideChunk, CHUNK_BASE } from "./placement.ts";

export interface Host {
  /** How code names a file of the output. */
  addressOf: (isForServer: boolean) => AddressOf;
  /** What a module needs before it can name one. */
  preamble: (isForServer: boolean) => string;
  /** Whether it goes on and builds again when something changes. */
  isWatching: () => boolean;
  /** Whether it adds the module of the hints to pages; without it, references fetch their model themselves. */
  addsHints: boolean;
}

/** A host whose chunks name files relative to themselves. */
export function plainHost(): Host {
  return {
    addressOf: () => besideChunk,
    preamble: () => CHUNK_BASE,
    isWatching: () => false,
    addsHints: false,
  };
}
