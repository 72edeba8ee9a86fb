/** A manifest from its address, with its pin held; kept so that a complete cache works offline. */
import { throwIfAborted } from "./abort.ts";
import { type Environment, STALL_TIMEOUT_MS } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import { MAX_MANIFEST_BYTES, type Manifest, type Model, parseManifest } from "./manifest.ts";
import { request } from "./request.ts";
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

async function fetchManifest(url: string, { fetch, options, signal }: Environment): Promise<Bytes> {
  const pieces: Bytes[] = [];
  let size = 0;
  const stallTimeoutMs = options.stallTimeoutMs ?? STALL_TIMEOUT_MS;
  await request(
    url,
    { fetch, cache: "no-cache", code: "MANIFEST_FETCH", stallTimeoutMs },
    signal,
    (piece) => {
      pieces.push(piece);
      size += piece.length;
      return size <= MAX_MANIFEST_BYTES; // what is longer is refused for it by the parser
    },
  );
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
