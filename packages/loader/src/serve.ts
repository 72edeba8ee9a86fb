/** The worker's end of the messages. */
import { createEngine, type EngineRequest } from "./engine.ts";
import { type ErrorCode, ModelpackError, messageOf } from "./errors.ts";
import { memoryOf } from "./tensors.ts";
import type { OrtModule, Outputs } from "./types.ts";

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

/** Answers requests that arrive in `scope`, one after the other. */
export function serve(scope: WorkerScope, ort?: OrtModule): void {
  const engine = createEngine(ort);
  const pending = new Map<number, AbortController>();
  scope.addEventListener("message", async ({ data }) => {
    const { id } = data;
    if ("cancel" in data) return pending.get(id)?.abort();
    const controller = new AbortController();
    pending.set(id, controller);
    try {
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
