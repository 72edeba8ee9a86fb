/** A manifest from its address, with its pin held; kept so that a complete cache works offline. */
import { abortable, throwIfAborted } from "./abort.ts";
import { type Environment, STALL_TIMEOUT_MS } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import { MAX_MANIFEST_BYTES, type Manifest, type Model, parseManifest } from "./manifest.ts";
import { request } from "./request.ts";
import type { ModelReference } from "./types.ts";
import type { Hasher } from "./verify.ts";

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
  const { manifestUrl: url, sha256 } = reference;
  const key = hasher && (await manifestKey(reference, hasher, signal));
  const stored = async (): Promise<LoadedManifest | undefined> => {
    const bytes = key && (await keeper.store.read(key, signal).catch(() => undefined));
    throwIfAborted(signal);
    const digest = bytes && (await hasher?.(bytes, signal));
    return bytes && (!sha256 || digest === sha256) ? parsed(bytes, digest, reference) : undefined;
  };
  const known = sha256 && (await stored());
  if (known) return known;
  let bytes: Bytes;
  try {
    bytes = await fetchManifest(url, environment);
  } catch (error) {
    const kept = !sha256 && isOffline(error) && (await stored().catch(() => undefined));
    if (kept) return kept;
    throw error;
  }
  const digest = await hasher?.(bytes, signal);
  if (sha256 && digest && digest !== sha256) {
    const hint = "the page and the models are of different builds: publish both, models first";
    throw new ModelpackError("MANIFEST_INTEGRITY", `${url} has the SHA-256 ${digest}; pinned is ${sha256}`, {
      url,
      hint,
    });
  }
  const loaded = parsed(bytes, digest, reference);
  throwIfAborted(signal);
  if (key) await abortable(keeper.store.write(key, bytes, signal), signal).catch(() => undefined); // chunks will say so
  throwIfAborted(signal);
  return loaded;
}

/** Where the manifest is stored: a pinned one by its digest, others by their address. */
export async function manifestKey(
  { manifestUrl, sha256 }: ModelReference,
  hasher: Hasher,
  signal?: AbortSignal,
): Promise<string> {
  return `manifest-${sha256 ?? (await hasher(new TextEncoder().encode(manifestUrl), signal))}`;
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
