/** Aborting at every point at which the loader waits for the browser. */

export interface AbortReport {
  /** How many such points were passed. */
  readonly points: number;
  /** The name of the call at which it was aborted; undefined if there are fewer points. */
  readonly at: string | undefined;
  /** The code of the error, or "OK". */
  readonly code: string;
  readonly name: string;
  /** From the abort to the answer. */
  readonly answeredMs: number;
  /** Calls that store something and began after the answer. */
  readonly lateWrites: readonly string[];
}

type Method = (this: unknown, ...given: unknown[]) => unknown;

interface Wrapped {
  readonly owner: object;
  readonly name: string;
  readonly stores?: boolean;
}

const QUIET_MS = 60;

/** Everything asynchronous that the loader asks of the browser. */
function targets(): readonly Wrapped[] {
  return [
    { owner: globalThis, name: "fetch" },
    { owner: ReadableStreamDefaultReader.prototype, name: "read" },
    { owner: Blob.prototype, name: "arrayBuffer" },
    { owner: SubtleCrypto.prototype, name: "digest" },
    { owner: StorageManager.prototype, name: "getDirectory" },
    { owner: StorageManager.prototype, name: "estimate" },
    { owner: FileSystemDirectoryHandle.prototype, name: "getDirectoryHandle" },
    { owner: FileSystemDirectoryHandle.prototype, name: "getFileHandle" },
    { owner: FileSystemFileHandle.prototype, name: "getFile" },
    { owner: FileSystemFileHandle.prototype, name: "createWritable", stores: true },
    { owner: FileSystemWritableFileStream.prototype, name: "write", stores: true },
    { owner: WritableStream.prototype, name: "close", stores: true },
    { owner: CacheStorage.prototype, name: "open" },
    { owner: Cache.prototype, name: "match" },
    { owner: Cache.prototype, name: "put", stores: true },
    { owner: LockManager.prototype, name: "request" },
    { owner: Worker.prototype, name: "postMessage" },
  ];
}

/** Aborts as soon as the call with this number has been made, and tells what `work` made of it. */
export async function abortAtPoint(
  point: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<AbortReport> {
  const controller = new AbortController();
  const lateWrites: string[] = [];
  let points = 0;
  let at: string | undefined;
  let abortedMs = Number.NaN;
  let answered = false;
  const restore = wrapAll(targets(), ({ name, stores }) => {
    points += 1;
    if (answered && stores) lateWrites.push(name);
    if (points !== point) return;
    at = name;
    abortedMs = performance.now();
    controller.abort();
  });
  const result = await work(controller.signal).then(
    () => ({ code: "OK", name: "" }),
    (error: { code?: string; name?: string }) => ({
      code: error.code ?? String(error),
      name: error.name ?? "",
    }),
  );
  answered = true;
  const answeredMs = performance.now() - abortedMs;
  await new Promise((resolve) => setTimeout(resolve, at ? QUIET_MS : 0));
  restore();
  return { points, at, ...result, answeredMs, lateWrites };
}

/** Calls `onCall` after each call; gives back what undoes it. */
function wrapAll(wrapped: readonly Wrapped[], onCall: (call: Wrapped) => void): () => void {
  const originals = wrapped.map((call) => {
    const original = Reflect.get(call.owner, call.name) as Method;
    const replacement: Method = function (...given) {
      const result = original.apply(this, given);
      onCall(call);
      return result;
    };
    Object.defineProperty(call.owner, call.name, { value: replacement, configurable: true, writable: true });
    return original;
  });
  return () => {
    wrapped.forEach(({ owner, name }, position) => {
      Object.defineProperty(owner, name, { value: originals[position], configurable: true, writable: true });
    });
  };
}
