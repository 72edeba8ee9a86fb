/** One request, of which whatever goes wrong has a name. */
import { abortable, childController, throwIfAborted } from "./abort.ts";
import { type ErrorCode, ModelpackError, messageOf } from "./errors.ts";
import type { FetchLike } from "./types.ts";

export interface RequestOptions {
  readonly fetch: FetchLike;
  readonly cache?: RequestCache | undefined;
  readonly stallTimeoutMs: number;
  /** The code of its errors, and the chunk that they name. */
  readonly code: ErrorCode;
  readonly chunk?: string | undefined;
}

const RETRY_AFTER_CAP_MS = 60_000;

/** Hands each piece of the answer to `take` until that answers false; gives back the answer's headers. */
export async function request(
  url: string,
  options: RequestOptions,
  signal: AbortSignal | undefined,
  take: (piece: Uint8Array<ArrayBuffer>) => boolean,
): Promise<Headers> {
  const { code, chunk, stallTimeoutMs } = options;
  const { controller, unlink } = childController(signal);
  const stall = (): void => controller.abort();
  let timer = setTimeout(stall, stallTimeoutMs);
  try {
    const init: RequestInit = { signal: controller.signal, ...(options.cache && { cache: options.cache }) };
    const response = await abortable(options.fetch(url, init), controller.signal);
    checkStatus(response, url, options);
    const reader = response.body?.getReader();
    while (reader) {
      const { done, value } = await abortable(reader.read(), controller.signal);
      if (done || !take(value)) break;
      clearTimeout(timer);
      timer = setTimeout(stall, stallTimeoutMs);
    }
    return response.headers;
  } catch (cause) {
    throwIfAborted(signal);
    const isStalled = controller.signal.aborted;
    if (!isStalled && cause instanceof ModelpackError) throw cause;
    const why = isStalled ? `nothing arrived for ${stallTimeoutMs} ms` : messageOf(cause);
    const hint = "check the connection and, for another origin, its Access-Control-Allow-Origin header";
    throw new ModelpackError(code, `${url}: ${why}`, { url, chunk, retryable: true, hint, cause });
  } finally {
    clearTimeout(timer);
    controller.abort(); // nobody reads the rest
    unlink();
  }
}

function checkStatus({ status, headers }: Response, url: string, { code, chunk }: RequestOptions): void {
  if (status === 200) return;
  const retryable = status >= 500 || status === 408 || status === 425 || status === 429;
  const retryAfterMs = readRetryAfter(headers.get("retry-after"));
  throw new ModelpackError(code, `${url}: status ${status}`, { url, chunk, status, retryable, retryAfterMs });
}

function readRetryAfter(value: string | null): number | undefined {
  if (!value) return undefined;
  const delayMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), RETRY_AFTER_CAP_MS);
}
