import { ModelpackError } from "./errors.ts";

/** The error for a signal that has been aborted. */
export function abortError(signal: AbortSignal): ModelpackError {
  return new ModelpackError("ABORTED", "aborted", { cause: signal.reason });
}

/** Throws ABORTED if `signal` has been aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** `pending`, or ABORTED as soon as `signal` is aborted; what `pending` gives after that is dropped. */
export async function abortable<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return pending;
  pending.catch(() => undefined); // it may fail after the signal has been answered
  throwIfAborted(signal);
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(abortError(signal));
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([pending, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Resolves after `delayMs`, or rejects with ABORTED. */
export async function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waiting = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, delayMs);
  });
  try {
    await abortable(waiting, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** A controller that is aborted when `signal` is; `unlink` ends that. */
export function childController(signal: AbortSignal | undefined): {
  readonly controller: AbortController;
  readonly unlink: () => void;
} {
  const controller = new AbortController();
  const stop = (): void => controller.abort(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  return { controller, unlink: () => signal?.removeEventListener("abort", stop) };
}

/** `pending`, or after `limitMs` the error that `late` makes; what `pending` gives after that is dropped. */
export async function within<T>(pending: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  try {
    return await Promise.race([pending, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
