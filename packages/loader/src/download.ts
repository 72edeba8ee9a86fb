/**
 * One chunk from the network: fetched → its length checked → its hash checked → given back, never the other way round.
 */
import { abortable, childController, sleep, throwIfAborted } from "./abort.ts";
import { decodeInto, sniffForm } from "./decode.ts";
import { type ErrorCode, type ErrorFacts, ModelpackError, messageOf } from "./errors.ts";
import type { Chunk, Delivery } from "./manifest.ts";
import type { Hasher } from "./verify.ts";

export interface DownloadOptions {
  readonly manifestUrl: string;
  readonly delivery: Delivery;
  /** Folders of the caller, before those of the manifest. */
  readonly mirrors: readonly string[];
  readonly fetch: typeof fetch;
  readonly hasher: Hasher | undefined;
  readonly retries: number;
  readonly retryDelayMs: number;
  readonly stallTimeoutMs: number;
}

const RETRY_AFTER_CAP_MS = 60_000;
const EXTENSIONS = { gzip: ".g.bin", zstd: ".z.bin" } as const;

/** The form in which a stored chunk lies on the host; undefined where it lies there plain. */
export function storedForm(chunk: Chunk, { mode }: Delivery): "gzip" | "zstd" | undefined {
  if (mode === "transport") return undefined; // the browser decodes what the host negotiated
  return chunk.enc.gzip ? "gzip" : chunk.enc.zstd ? "zstd" : undefined;
}

/** Fills `target`, which has the chunk's size, with its verified bytes. `onShare` hears how much of it, 0 to 1, came in this try. */
export async function fetchChunk(
  chunk: Chunk,
  target: Uint8Array<ArrayBuffer>,
  options: DownloadOptions,
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<void> {
  const tries = triesOf(chunk, options);
  for (const [position, { url, fresh }] of tries.entries()) {
    try {
      return await fetchOnce(chunk, target, { ...options, url, fresh }, signal, onShare);
    } catch (error) {
      throwIfAborted(signal);
      const next = tries[position + 1];
      if (!next || !(error instanceof FailedTry)) throw asError(error);
      onShare(0);
      if (next.url === url) await sleep(error.delayMs ?? jittered(options.retryDelayMs, position), signal);
    }
  }
}

/** The chunk's own address, that again past the HTTP cache (which may hold the bad bytes), each mirror, then itself. */
function triesOf(
  chunk: Chunk,
  options: DownloadOptions,
): readonly { readonly url: string; readonly fresh: boolean }[] {
  const { delivery, manifestUrl, mirrors, retries } = options;
  const form = storedForm(chunk, delivery);
  const name = delivery.chunkUrl
    .replace("{hash}", chunk.hash)
    .replace("{ext}", form ? EXTENSIONS[form] : ".bin");
  const own = new URL(delivery.base + name, manifestUrl).href;
  const again = { url: own, fresh: true };
  const elsewhere = [...mirrors, ...delivery.mirrors].map((folder) => ({
    url: new URL(name, new URL(folder, manifestUrl)).href,
    fresh: false,
  }));
  const repeats = Array.from({ length: Math.max(0, retries - 1) }, () => again);
  return [{ url: own, fresh: false }, ...repeats.slice(0, 1), ...elsewhere, ...repeats.slice(1)];
}

interface Try extends DownloadOptions {
  readonly url: string;
  readonly fresh: boolean;
}

/** A try that another one may mend; with the delay that the server asked for. */
class FailedTry extends Error {
  readonly error: ModelpackError;
  readonly delayMs: number | undefined;
  constructor(error: ModelpackError, delayMs?: number) {
    super(error.message);
    this.error = error;
    this.delayMs = delayMs;
  }
}

function asError(error: unknown): unknown {
  return error instanceof FailedTry ? error.error : error;
}

function failed(
  code: ErrorCode,
  message: string,
  chunk: Chunk,
  facts: ErrorFacts,
  delayMs?: number,
): FailedTry {
  return new FailedTry(new ModelpackError(code, message, { ...facts, chunk: chunk.hash }), delayMs);
}

async function fetchOnce(
  chunk: Chunk,
  target: Uint8Array<ArrayBuffer>,
  attempt: Try,
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<void> {
  const { controller, unlink } = childController(signal);
  const watch = stallWatch(controller, attempt.stallTimeoutMs);
  try {
    const response = await request(chunk, attempt, controller.signal);
    const isRight = await receive(chunk, target, response, attempt, controller.signal, (share) => {
      watch.reset();
      onShare(share);
    });
    watch.stop();
    await check(chunk, target, response, attempt, isRight, signal);
  } catch (error) {
    controller.abort(); // nobody reads the rest
    if (error instanceof ModelpackError || error instanceof FailedTry) {
      if (!watch.hasStalled() || !(error instanceof ModelpackError)) throw error;
    }
    const why = watch.hasStalled() ? `nothing arrived for ${attempt.stallTimeoutMs} ms` : messageOf(error);
    const hint = "check the connection and, for another origin, its Access-Control-Allow-Origin header";
    throw failed("CHUNK_FETCH", `${attempt.url}: ${why}`, chunk, {
      url: attempt.url,
      retryable: true,
      hint,
      cause: error,
    });
  } finally {
    watch.stop();
    unlink();
  }
}

function stallWatch(
  controller: AbortController,
  timeoutMs: number,
): {
  readonly reset: () => void;
  readonly stop: () => void;
  readonly hasStalled: () => boolean;
} {
  let stalled = false;
  const fire = (): void => {
    stalled = true;
    controller.abort();
  };
  let timer = setTimeout(fire, timeoutMs);
  const stop = (): void => clearTimeout(timer);
  const reset = (): void => {
    stop();
    timer = setTimeout(fire, timeoutMs);
  };
  return { reset, stop, hasStalled: () => stalled };
}

async function request(chunk: Chunk, { url, fresh, fetch }: Try, signal: AbortSignal): Promise<Response> {
  const response = await abortable(fetch(url, { signal, ...(fresh ? { cache: "reload" } : {}) }), signal);
  const { status } = response;
  if (status === 200) return response;
  const retryable = status >= 500 || status === 408 || status === 425 || status === 429;
  throw failed(
    "CHUNK_FETCH",
    `${url}: status ${status}`,
    chunk,
    { url, status, retryable },
    retryAfterMs(response),
  );
}

function retryAfterMs({ headers }: Response): number | undefined {
  const value = headers.get("retry-after");
  if (!value) return undefined;
  const delayMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), RETRY_AFTER_CAP_MS);
}

/** Reads the body and decodes it into `target`; whether that gave as many bytes as the manifest says. */
async function receive(
  chunk: Chunk,
  target: Uint8Array<ArrayBuffer>,
  response: Response,
  { delivery }: Try,
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<boolean> {
  const form = storedForm(chunk, delivery);
  const encodedBytes = form && (chunk.enc[form] as number);
  let buffer = encodedBytes === undefined ? target : new Uint8Array(encodedBytes);
  let filled = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = reader
      ? await abortable(reader.read(), signal)
      : { done: true, value: undefined };
    if (done || !value) break;
    if (filled + value.length > buffer.length) {
      // The host may have decoded a stored form by itself; anything longer than the plain bytes is wrong.
      if (buffer === target || filled + value.length > target.length) return false;
      target.set(buffer.subarray(0, filled));
      buffer = target;
    }
    buffer.set(value, filled);
    filled += value.length;
    onShare(filled / buffer.length);
  }
  if (form && buffer !== target && filled === encodedBytes && sniffForm(buffer) === form) {
    return abortable(decodeInto(target, buffer, form), signal);
  }
  if (buffer !== target && filled === target.length) target.set(buffer.subarray(0, filled));
  return filled === target.length;
}

async function check(
  chunk: Chunk,
  target: Uint8Array<ArrayBuffer>,
  { headers }: Response,
  { url, hasher }: Try,
  isRight: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (isRight && (!hasher || (await hasher(target, signal)) === chunk.hash)) return;
  if (headers.get("content-type")?.startsWith("text/html")) {
    const hint = "the server answers unknown names with HTML; check that all of the build is published";
    throw failed("NOT_BINARY", `${url} is a web page, not a chunk`, chunk, { url, status: 200, hint });
  }
  const what = isRight ? "has other bytes" : "has more or fewer bytes";
  const hint = "publish the build's output unchanged";
  throw failed("CHUNK_INTEGRITY", `${url} ${what} than the manifest says`, chunk, { url, status: 200, hint });
}

function jittered(delayMs: number, position: number): number {
  return delayMs * 2 ** position * (0.5 + Math.random());
}
