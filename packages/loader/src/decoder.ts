/** The page's end of the decoder's worker, which is there while chunks are decoded and a little longer. */
import { within } from "./abort.ts";
import type { Decoded, Encoded } from "./zstd-worker.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface Waiting {
  readonly resolve: (decoded: Bytes | undefined) => void;
  readonly reject: (reason: Error) => void;
}

const IDLE_MS = 1000; // the next chunk may still be on its way
const PATIENCE_MS = 30_000; // as long as a stalled request

const waiting = new Map<number, Waiting>();
let worker: Worker | undefined;
let idle: ReturnType<typeof setTimeout> | undefined;
let lastId = 0;
let isRefused = false;

/** Whether a worker can be tried: not in Node, and not where one has failed, as where Trusted Types are enforced. */
export function canDecodeApart(): boolean {
  return !isRefused && typeof Worker === "function" && "location" in globalThis;
}

/** Starts the worker, which takes a while to arrive: the first chunk may wait for it otherwise. */
export function warmUp(): void {
  if (!canDecodeApart() || worker) return;
  try {
    worker = opened();
    endLater(PATIENCE_MS); // the chunk may never come
  } catch (error) {
    refuse(error as Error);
  }
}

/** What `encoded` decodes to, undefined where it is damaged. Throws where there is no worker after all. */
export async function decodeApart(encoded: Bytes, sizeBytes: number): Promise<Bytes | undefined> {
  try {
    worker ??= opened();
    lastId += 1;
    const message: Encoded = { id: lastId, encoded, sizeBytes };
    const decoded = new Promise<Bytes | undefined>((resolve, reject) => {
      waiting.set(message.id, { resolve, reject });
    });
    worker.postMessage(message);
    return await within(decoded, PATIENCE_MS, () => new Error("nothing came of its script"));
  } catch (error) {
    refuse(error as Error);
    throw error;
  } finally {
    endLater(IDLE_MS);
  }
}

function endLater(delayMs: number): void {
  clearTimeout(idle);
  idle = setTimeout(endIfIdle, delayMs);
}

function opened(): Worker {
  // Bundlers know this form, so it has to be spelled out in one expression.
  const made = new Worker(new URL("./zstd-worker.js", import.meta.url), {
    type: "module",
    name: "modelpack zstd",
  });
  made.addEventListener("message", ({ data: { id, decoded } }: MessageEvent<Decoded>) => {
    waiting.get(id)?.resolve(decoded);
    waiting.delete(id);
  });
  made.addEventListener("error", () => refuse(new Error("its script did not load")));
  return made;
}

function refuse(reason: Error): void {
  isRefused = true;
  for (const { reject } of waiting.values()) reject(reason);
  waiting.clear();
  end();
}

function endIfIdle(): void {
  if (!waiting.size) end();
}

function end(): void {
  worker?.terminate();
  worker = undefined;
}
