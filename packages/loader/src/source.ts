/** A manifest from its address, with its pin held; kept so that a complete cache works offline. */
import { abortable, childController, throwIfAborted } from "./abort.ts";
import type { Environment } from "./environment.ts";
import { ModelpackError, messageOf } from "./errors.ts";
import { MAX_MANIFEST_BYTES, type Manifest, type Model, parseManifest } from "./manifest.ts";
import type { ModelReference } from "./types.ts";

export interface LoadedManifest {
  readonly manifest: Manifest;
  readonly model: Model;
  /** The SHA-256 of its bytes; undefined where nothing can be hashed. */
  readonly digest: string | undefined;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** The manifest that `reference` names. A pinned one that is stored is not fetched at all. */
export async function openManifest(
  reference: ModelReference,
  environment: Environment,
): Promise<LoadedManifest> {
  const { signal, keeper, hasher } = environment;
  const { manifestUrl, sha256 } = reference;
  const key = sha256 ?? (hasher && `manifest-${await hasher(new TextEncoder().encode(manifestUrl), signal)}`);
  if (sha256 && hasher) {
    const stored = await readStored(sha256, environment);
    if (stored && (await hasher(stored, signal)) === sha256) return parsed(stored, sha256, reference);
  }
  const bytes = await fetchManifest(manifestUrl, environment).catch(async (error: unknown) => {
    const stored = isOffline(error) && !sha256 && key && (await readStored(key, environment));
    if (stored) return stored;
    throw error;
  });
  const digest = await hasher?.(bytes, signal);
  if (sha256 && digest && digest !== sha256) {
    throw new ModelpackError(
      "MANIFEST_INTEGRITY",
      `${manifestUrl} has the SHA-256 ${digest}; pinned is ${sha256}`,
      {
        url: manifestUrl,
        hint: "the page and the models are of different builds: publish both, models first",
      },
    );
  }
  const loaded = parsed(bytes, digest, reference);
  throwIfAborted(signal);
  if (key) await keeper.store.write(key, bytes, signal).catch(() => undefined); // chunks say so if storage is full
  throwIfAborted(signal);
  return loaded;
}

function isOffline(error: unknown): boolean {
  return error instanceof ModelpackError && error.code === "MANIFEST_FETCH" && error.retryable;
}

function parsed(
  bytes: Bytes,
  digest: string | undefined,
  { manifestUrl, model: id }: ModelReference,
): LoadedManifest {
  const manifest = parseManifest(bytes, manifestUrl);
  const model = manifest.models.get(id);
  if (model) return { manifest, model, digest };
  const known = [...manifest.models.keys()].join(", ");
  throw new ModelpackError("USAGE", `${manifestUrl} has no model "${id}"`, {
    url: manifestUrl,
    hint: `it has ${known}`,
  });
}

async function readStored(key: string, { keeper, signal }: Environment): Promise<Bytes | undefined> {
  const stored = await keeper.store.read(key, signal).catch(() => undefined);
  throwIfAborted(signal);
  return stored;
}

async function fetchManifest(url: string, environment: Environment): Promise<Bytes> {
  const { controller, unlink } = childController(environment.signal);
  const timer = setTimeout(() => controller.abort(), environment.options.stallTimeoutMs ?? 30_000);
  try {
    const pending = environment.fetch(url, { signal: controller.signal, cache: "no-cache" });
    const response = await abortable(pending, controller.signal);
    if (response.status !== 200) {
      const facts = { url, status: response.status, retryable: response.status >= 500 };
      throw new ModelpackError("MANIFEST_FETCH", `${url}: status ${response.status}`, facts);
    }
    return await readCapped(response, controller.signal, url);
  } catch (cause) {
    throwIfAborted(environment.signal);
    if (cause instanceof ModelpackError && cause.code !== "ABORTED") throw cause;
    const why = controller.signal.aborted ? "no answer in time" : messageOf(cause);
    const hint = "check the connection and, for another origin, its Access-Control-Allow-Origin header";
    throw new ModelpackError("MANIFEST_FETCH", `${url}: ${why}`, { url, retryable: true, hint, cause });
  } finally {
    controller.abort();
    clearTimeout(timer);
    unlink();
  }
}

async function readCapped(response: Response, signal: AbortSignal, url: string): Promise<Bytes> {
  const pieces: Bytes[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = reader
      ? await abortable(reader.read(), signal)
      : { done: true, value: undefined };
    if (done || !value) break;
    pieces.push(value);
    size += value.length;
    if (size > MAX_MANIFEST_BYTES) {
      throw new ModelpackError("MANIFEST_INTEGRITY", `${url} is larger than any manifest`, { url });
    }
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
