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
  const isOwn = typeof worker !== "function";
  if (ort || worker === false || (isOwn && !hasWorkers)) return inThisThread(ort);
  try {
    return await connect(isOwn ? ownWorker(scope) : worker(), signal, options.stallTimeoutMs ?? 30_000);
  } catch (cause) {
    if (signal?.aborted || !isOwn) throw cause;
    const hint = "the page is blocked while the model runs";
    warn(new ModelpackError("RUNTIME_INIT", `no worker: ${messageOf(cause)}`, { cause, hint }));
    return inThisThread(undefined);
  }
}

/** Loaded only here: otherwise the engine is in the worker, and no page needs it twice. */
async function inThisThread(ort: OrtModule | undefined): Promise<Engine> {
  return (await import("./engine.ts")).createEngine(ort);
}

/** The loader's own worker. */
function ownWorker(scope: Environment["scope"]): WorkerLike {
  return constructed(scope as Constructors, "Worker", newWorker);
}

type Constructor = new (url: unknown, options: object) => object;

export interface Constructors {
  Worker: Constructor;
  SharedWorker: Constructor;
  readonly trustedTypes?: TrustedTypes | undefined;
}

// One for the page: a second one of the same name is refused.
let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

/** What `make` constructs. Where scripts must be trusted, a policy called "modelpack" vouches for its address. */
export function constructed<T>(
  scope: Constructors,
  kind: "Worker" | "SharedWorker",
  make: () => T,
  more?: object,
): T {
  try {
    return more ? adapted(scope, kind, make, (url) => [url, more]) : make();
  } catch (error) {
    if (!scope.trustedTypes || !(error instanceof TypeError)) throw error;
    policy ??= scope.trustedTypes.createPolicy("modelpack", { createScriptURL: (url) => url });
    const trust = policy.createScriptURL.bind(policy);
    return adapted(scope, kind, make, (url) => [trust(`${url}`), more ?? {}]);
  }
}

/** Bundlers know address and options only inside the call, so that the call is made with a constructor that adapts what it gets. */
function adapted<T>(
  scope: Constructors,
  kind: "Worker" | "SharedWorker",
  make: () => T,
  adapt: (url: unknown) => readonly [unknown, object],
): T {
  const plain = scope[kind];
  try {
    scope[kind] = new Proxy(plain, {
      construct: (target, [given, options]) => {
        const [url, more] = adapt(given);
        return new target(url, { ...options, ...more });
      },
    });
    return make();
  } finally {
    scope[kind] = plain;
  }
}

function newWorker(): WorkerLike {
  // Bundlers know this form, so it has to be spelled out in one expression.
  return new Worker(new URL("./worker.js", import.meta.url), {
    type: "module",
    name: "modelpack",
  }) as WorkerLike;
}
