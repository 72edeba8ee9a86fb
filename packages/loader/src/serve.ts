/** The worker's end of the messages. */
import type { Compiled, Engine, EngineRequest } from "./engine.ts";
import { type ErrorCode, ModelpackError, messageOf } from "./errors.ts";
import { memoryOf } from "./tensors.ts";
import type { Outputs } from "./types.ts";

export type ToWorker =
  | { readonly id: number; readonly request: EngineRequest }
  | { readonly id: number; readonly cancel: true };

export type FromWorker =
  | { readonly ready: true }
  | { readonly id: number; readonly outputs: Outputs }
  | { readonly id: number; readonly error: SentError };

/** An error as it is sent: the message without the hint, which the constructor adds again. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

/** A worker's global scope, or a port. */
export interface WorkerScope {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: { readonly data: ToWorker }) => void): void;
}

/** Lets `engine` answer the requests that arrive in `scope`. */
export function serve(scope: WorkerScope, engine: Engine): void {
  const pending = new Map<number, AbortController>();
  scope.addEventListener("message", async ({ data }) => {
    const { id } = data;
    if ("cancel" in data) return pending.get(id)?.abort();
    const controller = new AbortController();
    pending.set(id, controller);
    try {
      if (data.request.kind === "start" && data.request.compiled) adopt(data.request.compiled);
      const outputs = await engine.ask(data.request, { signal: controller.signal });
      scope.postMessage({ id, outputs }, [...new Set(Object.values(outputs).flatMap(memoryOf))]);
    } catch (error) {
      const { code, message, hint } =
        error instanceof ModelpackError ? error : new ModelpackError("RUN", messageOf(error));
      scope.postMessage(
        { id, error: { code, hint, message: hint ? message.slice(0, -hint.length - 2) : message } },
        [],
      );
    } finally {
      pending.delete(id);
    }
  });
  scope.postMessage({ ready: true }, []);
}

/** Makes the next request for `url` in this worker end in the module: onnxruntime has no other way to be given one. */
function adopt({ url, module }: Compiled): void {
  const { fetch } = globalThis;
  const { instantiateStreaming } = WebAssembly;
  const promised = new Response();
  globalThis.fetch = async (input, init) => {
    if (new URL(`${input}`, location.href).href !== url) return fetch(input, init); // published anew since
    globalThis.fetch = fetch;
    return promised;
  };
  WebAssembly.instantiateStreaming = async (source, imports) => {
    WebAssembly.instantiateStreaming = instantiateStreaming;
    if ((await source) !== promised) return instantiateStreaming(source, imports);
    return { module, instance: await WebAssembly.instantiate(module, imports) };
  };
}
