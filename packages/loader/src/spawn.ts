/** The thread in which a session lives. */
import type { Engine } from "./engine.ts";
import type { Environment, TrustedTypes } from "./environment.ts";
import { ModelpackError, messageOf } from "./errors.ts";
import { connect } from "./remote.ts";
import type { OrtModule, WorkerLike } from "./types.ts";

/** An engine in the loader's own worker; in this thread where that is asked for, or where no worker can be had. */
export async function openEngine({ options, scope, signal, warn }: Environment): Promise<Engine> {
  const { ort, worker = true } = options;
  // In Node, onnxruntime-web defines a Worker of its own; a page has a location as well.
  const hasWorkers = typeof scope.Worker === "function" && scope.location !== undefined;
  if (ort || worker === false || (worker === true && !hasWorkers)) return inThisThread(ort);
  try {
    return await connect(
      worker === true ? ownWorker(scope) : worker(),
      signal,
      options.stallTimeoutMs ?? 30_000,
    );
  } catch (cause) {
    if (signal?.aborted || typeof options.worker === "function") throw cause;
    const hint = "the page is blocked while the model runs";
    warn(new ModelpackError("RUNTIME_INIT", `no worker: ${messageOf(cause)}`, { cause, hint }));
    return inThisThread(undefined);
  }
}

/** Loaded only here: otherwise the engine is in the worker, and no page needs it twice. */
async function inThisThread(ort: OrtModule | undefined): Promise<Engine> {
  return (await import("./engine.ts")).createEngine(ort);
}

/** The loader's own worker. Where scripts must be trusted, a policy called "modelpack" vouches for its address. */
function ownWorker(scope: Environment["scope"]): WorkerLike {
  try {
    return newWorker();
  } catch (error) {
    if (!scope.trustedTypes || !(error instanceof TypeError)) throw error;
    return trustedWorker(scope as TrustingScope);
  }
}

interface TrustingScope {
  Worker: new (url: unknown, options: WorkerOptions) => Worker;
  readonly trustedTypes: TrustedTypes;
}

// One for the page: a second one of the same name is refused.
let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

/** Bundlers know the address only inside the call, so that the call is made with a Worker that trusts what it gets. */
function trustedWorker(scope: TrustingScope): WorkerLike {
  policy ??= scope.trustedTypes.createPolicy("modelpack", { createScriptURL: (url) => url });
  const { Worker: Untrusting } = scope;
  const trust = policy.createScriptURL.bind(policy);
  try {
    scope.Worker = new Proxy(Untrusting, {
      construct: (target, [url, options]) => new target(trust(`${url}`), options),
    });
    return newWorker();
  } finally {
    scope.Worker = Untrusting;
  }
}

function newWorker(): WorkerLike {
  // Bundlers know this form, so it has to be spelled out in one expression.
  return new Worker(new URL("./worker.js", import.meta.url), {
    type: "module",
    name: "modelpack",
  }) as WorkerLike;
}
