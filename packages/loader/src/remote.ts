/** The page's end of the messages: an engine that is really in a worker. */
import { abortable, abortError, within } from "./abort.ts";
import type { AskOptions, Engine, EngineRequest } from "./engine.ts";
import { ModelpackError } from "./errors.ts";
import type { FromWorker, ToWorker } from "./serve.ts";
import type { Outputs, WorkerLike } from "./types.ts";

interface Waiting {
  readonly resolve: (outputs: Outputs) => void;
  readonly reject: (error: ModelpackError) => void;
}

/** An engine in `worker`, once the worker has said that it is there. Throws RUNTIME_INIT if that takes too long. */
export async function connect(
  worker: WorkerLike,
  signal: AbortSignal | undefined,
  limitMs: number,
): Promise<Engine> {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let end: ModelpackError | undefined;
  const close = (error: ModelpackError): void => {
    end ??= error;
    worker.terminate();
    for (const { reject } of waiting.values()) reject(end);
    waiting.clear();
  };
  const ready = new Promise<Outputs>((resolve, reject) => void waiting.set(0, { resolve, reject }));
  worker.addEventListener("message", ({ data }) => receive(data as FromWorker, waiting));
  worker.addEventListener("error", ({ message }) => close(broken(message ?? "its script did not load")));
  worker.addEventListener("messageerror", () => close(broken("a message could not be read")));
  const ask = (
    request: EngineRequest,
    { signal: stop, transfer = [] }: AskOptions = {},
  ): Promise<Outputs> => {
    if (end) return Promise.reject(end);
    lastId += 1;
    const id = lastId;
    const cancel = (): void => {
      // The runtime cannot be interrupted: only the end of its thread ends the creation of a session.
      if (request.kind !== "run") close(abortError(stop as AbortSignal));
      else post(worker, { id, cancel: true });
    };
    stop?.addEventListener("abort", cancel);
    const answered = new Promise<Outputs>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      if (!stop?.aborted) post(worker, { id, request }, transfer); // what cannot be sent rejects
    });
    return abortable(answered, stop).finally(() => {
      waiting.delete(id);
      stop?.removeEventListener("abort", cancel);
    });
  };
  try {
    await abortable(
      within(ready, limitMs, () => broken(`nothing came of its script for ${limitMs} ms`)),
      signal,
    );
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    isRemote: true,
    ask,
    close: () => close(new ModelpackError("USAGE", "the model has been released")),
  };
}

function post(worker: WorkerLike, message: ToWorker, transfer: readonly Transferable[] = []): void {
  worker.postMessage(message, [...transfer]);
}

function receive(message: FromWorker, waiting: Map<number, Waiting>): void {
  const id = "ready" in message ? 0 : message.id;
  const caller = waiting.get(id);
  waiting.delete(id);
  if ("error" in message)
    caller?.reject(
      new ModelpackError(message.error.code, message.error.message, { hint: message.error.hint }),
    );
  else caller?.resolve("ready" in message ? {} : message.outputs);
}

function broken(why: string): ModelpackError {
  return new ModelpackError("RUNTIME_INIT", `the worker failed: ${why}`, {
    hint: "check that worker.js is served, and that the CSP has worker-src 'self'",
  });
}
