/** The thread in which a session lives. */
import { createEngine, type Engine } from "./engine.ts";
import type { Environment } from "./environment.ts";
import { ModelpackError, messageOf } from "./errors.ts";
import { connect } from "./remote.ts";
import type { WorkerLike } from "./types.ts";

/** An engine in the loader's own worker; in this thread where that is asked for, or where no worker can be had. */
export async function openEngine({ options, scope, signal, warn }: Environment): Promise<Engine> {
  const { ort, worker = true } = options;
  if (ort || worker === false || (worker === true && typeof scope.Worker !== "function"))
    return createEngine(ort);
  try {
    return await connect(worker === true ? ownWorker() : worker(), signal);
  } catch (cause) {
    if (signal?.aborted || typeof options.worker === "function") throw cause;
    const hint = "the page is blocked while the model runs";
    warn(new ModelpackError("RUNTIME_INIT", `no worker: ${messageOf(cause)}`, { cause, hint }));
    return createEngine();
  }
}

function ownWorker(): WorkerLike {
  // Bundlers know this form, so it has to be spelled out in one expression.
  return new Worker(new URL("./worker.js", import.meta.url), {
    type: "module",
    name: "modelpack",
  }) as WorkerLike;
}
