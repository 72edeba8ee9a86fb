/** The worker that all pages of a site share: whoever comes back finds the session as it was. */
import { within } from "./abort.ts";
import type { Engine } from "./engine.ts";
import { type Environment, STALL_TIMEOUT_MS } from "./environment.ts";
import { ModelpackError, messageOf } from "./errors.ts";
import { sessionOptionsOf } from "./inputs.ts";
import type { Model, Variant } from "./manifest.ts";
import { metadataOf } from "./plan.ts";
import { connect } from "./remote.ts";
import { type Constructors, constructed } from "./spawn.ts";
import type { WorkerLike } from "./types.ts";

export interface Attached {
  readonly engine: Engine;
  /** Whether the session of the variant is there. */
  readonly isLive: boolean;
}

/** The shared worker of `variant`; undefined where none can be had, which a worker of its own replaces. */
export async function attach(
  variant: Variant,
  model: Model,
  environment: Environment,
): Promise<Attached | undefined> {
  const { options, scope, signal, warn } = environment;
  if (options.ort || typeof scope.SharedWorker !== "function") return undefined;
  const limitMs = options.stallTimeoutMs ?? STALL_TIMEOUT_MS;
  let engine: Engine | undefined;
  try {
    engine = await connect(sharedWorker(scope, nameOf(variant, model, environment)), signal, limitMs);
    const late = (): Error => new ModelpackError("RUNTIME_INIT", `no answer for ${limitMs} ms`);
    const { live } = await within(engine.ask({ kind: "attach" }, { signal }), limitMs, late);
    return { engine, isLive: live !== undefined };
  } catch (cause) {
    engine?.close();
    if (signal?.aborted) throw cause;
    const hint = "the page has a worker of its own";
    warn(new ModelpackError("RUNTIME_INIT", `no shared worker: ${messageOf(cause)}`, { cause, hint }));
    return undefined;
  }
}

// Pages of two releases may be open at once, and what they say to each other's worker is of their loader's version.
declare const LOADER_VERSION: string;

/** Everything that makes one session another. */
function nameOf(variant: Variant, model: Model, environment: Environment): string {
  const { inputs } = metadataOf(model, variant);
  const { digest, device } = variant;
  const session = [digest, device, sessionOptionsOf(variant, environment), inputs, model.state];
  return `modelpack ${LOADER_VERSION} ${JSON.stringify([...session, environment.options.runtime])}`;
}

/** The worker of all pages of the site that ask for this name. It ends for this page only. */
function sharedWorker(scope: Environment["scope"], name: string): WorkerLike {
  const more = { name, extendedLifetime: true }; // beyond the last page, for a reload or the site's next one
  const worker = constructed(scope as Constructors, "SharedWorker", newSharedWorker, more);
  const { port } = worker;
  port.start();
  return {
    postMessage: (message, transfer = []) => port.postMessage(message, transfer),
    addEventListener: (type, listener) =>
      (type === "error" ? worker : port).addEventListener(type, listener as EventListener),
    terminate: () => {
      port.postMessage({ id: 0, request: { kind: "release" } });
      port.close();
    },
  };
}

function newSharedWorker(): SharedWorker {
  // Bundlers know this form, so it has to be spelled out in one expression.
  return new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "modelpack" });
}
