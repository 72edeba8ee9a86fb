/**
 * One chunk from the network: fetched → its length checked → its hash checked → given back, never the other way round.
 */
import { abortable, sleep, throwIfAborted } from "./abort.ts";
import { ModelpackError } from "./errors.ts";
import { chunkName, startsAs, storedForm } from "./forms.ts";
import type { Chunk, Delivery } from "./manifest.ts";
import { request } from "./request.ts";
import type { FetchLike } from "./types.ts";
import type { Hasher } from "./verify.ts";

export interface DownloadOptions {
  readonly manifestUrl: string;
  readonly delivery: Delivery;
  /** Folders of the caller, before those of the manifest. */
  readonly mirrors: readonly string[];
  readonly fetch: FetchLike;
  readonly hasher: Hasher | undefined;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly stallTimeoutMs: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

interface Try {
  readonly url: string;
  readonly cache?: RequestCache;
}

/** Fills `target`, which has the chunk's size, with its verified bytes. `onShare` hears how much of it, 0 to 1, came. */
export async function fetchChunk(
  chunk: Chunk,
  target: Bytes,
  options: DownloadOptions,
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<void> {
  const tries = triesOf(chunk, options);
  for (const [position, attempt] of tries.entries()) {
    try {
      return await fetchOnce(chunk, target, { ...options, ...attempt }, signal, onShare);
    } catch (error) {
      throwIfAborted(signal);
      const next = tries[position + 1];
      if (!next || !(error instanceof ModelpackError)) throw error;
      onShare(0);
      const jitteredMs = options.retryDelayMs * 2 ** position * (0.5 + Math.random());
      if (next.url === attempt.url) await sleep(error.retryAfterMs ?? jitteredMs, signal);
    }
  }
}

/** The chunk's own address, that again past the HTTP cache (which may hold the bad bytes), each mirror, then itself. */
function triesOf(chunk: Chunk, { delivery, manifestUrl, mirrors, retries }: DownloadOptions): readonly Try[] {
  const name = chunkName(chunk, delivery);
  const url = new URL(delivery.base + name, manifestUrl).href;
  const folders = [...mirrors, ...delivery.mirrors];
  const elsewhere = folders.map((folder) => ({ url: new URL(name, new URL(folder, manifestUrl)).href }));
  const again: Try[] = Array(Math.max(0, retries - 1)).fill({ url, cache: "reload" });
  return [{ url }, ...again.slice(0, 1), ...elsewhere, ...again.slice(1)];
}

async function fetchOnce(
  chunk: Chunk,
  target: Bytes,
  attempt: Try & DownloadOptions,
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<void> {
  const { url, delivery, hasher } = attempt;
  const form = storedForm(chunk, delivery);
  let buffer: Bytes = form ? new Uint8Array(chunk.enc[form] as number) : target;
  // Beside the chunk: its scripts take two round trips.
  const decoder = form && import("./decode.ts").then(({ decoderOf }) => decoderOf(form));
  decoder?.catch(() => undefined); // awaited later, and may fail before
  let filled = 0;
  const headers = await request(
    url,
    { ...attempt, code: "CHUNK_FETCH", chunk: chunk.hash },
    signal,
    (piece) => {
      const end = filled + piece.length;
      if (end > buffer.length && buffer !== target && end <= target.length) {
        target.set(buffer.subarray(0, filled)); // the host has decoded a stored form by itself
        buffer = target;
      }
      const fits = end <= buffer.length;
      if (fits) buffer.set(piece, filled);
      filled = end;
      if (fits) onShare(filled / buffer.length);
      return fits;
    },
  );
  let isRight = filled === target.length;
  if (form && decoder && buffer !== target) {
    if (filled === buffer.length && startsAs(form, buffer)) {
      const decode = await abortable(decoder, signal);
      isRight = await abortable(decode(target, buffer), signal);
    } else if (isRight) target.set(buffer.subarray(0, filled));
  }
  if (isRight && (!hasher || (await hasher(target, signal)) === chunk.hash)) return;
  throw refusal(chunk, url, headers, isRight);
}

function refusal({ hash: chunk }: Chunk, url: string, headers: Headers, isRight: boolean): ModelpackError {
  const facts = { url, chunk, status: 200 };
  if (headers.get("content-type")?.startsWith("text/html")) {
    const hint = "the server answers unknown names with HTML; publish all of the build";
    return new ModelpackError("NOT_BINARY", `${url} is a web page, not a chunk`, { ...facts, hint });
  }
  const what = isRight ? "other" : "more or fewer";
  const hint = "publish the output of `modelpack build` unchanged";
  return new ModelpackError("CHUNK_INTEGRITY", `${url} has ${what} bytes than the manifest says`, {
    ...facts,
    hint,
  });
}
