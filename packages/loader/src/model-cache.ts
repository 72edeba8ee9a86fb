/** What is stored, and what stays: for settings pages and for tests. */
import { type Environment, openEnvironment } from "./environment.ts";
import { ModelpackError } from "./errors.ts";
import type { Chunk } from "./manifest.ts";
import { planWith, storedKeys } from "./plan.ts";
import { resolveReference } from "./reference.ts";
import { chunksOf, filesOf, variantChunks } from "./sizes.ts";
import { manifestKey } from "./source.ts";
import type { ModelStore, StoredEntry } from "./store.ts";
import type { LoadOptions, ModelRef } from "./types.ts";
import type { Hasher } from "./verify.ts";

type CacheOptions = Pick<
  LoadOptions,
  "cache" | "signal" | "fetch" | "baseUrl" | "variant" | "device" | "facts"
>;

export interface Verification {
  /** Digests of chunks whose bytes are right. */
  readonly intact: readonly string[];
  /** Digests of chunks that were damaged; they are removed. */
  readonly damaged: readonly string[];
  readonly missing: readonly string[];
}

export interface ModelCache {
  /** The chunks that are stored, of all models. */
  list(options?: CacheOptions): Promise<readonly StoredEntry[]>;
  /** Bytes of all of them. */
  size(options?: CacheOptions): Promise<number>;
  /** Whether the variant that `load` would choose is stored as a whole. */
  isCached(ref: ModelRef, options?: CacheOptions): Promise<boolean>;
  /** Reads and hashes what is stored of the variant. */
  verify(ref: ModelRef, options?: CacheOptions): Promise<Verification>;
  /** Keeps the model's chunks through `gc`, whatever the page keeps. */
  pin(ref: ModelRef, options?: CacheOptions): Promise<void>;
  /** Removes the model's chunks and its pin, except chunks that another pin holds. */
  evict(ref: ModelRef, options?: CacheOptions): Promise<void>;
  /** Removes all chunks and manifests but those of the models in `keep` and of pinned ones; gives back the bytes freed. */
  gc(keep: readonly ModelRef[], options?: CacheOptions): Promise<number>;
  /** Removes everything of this layout, pins too. */
  clear(options?: CacheOptions): Promise<void>;
}

const CHUNK_KEY = /^[0-9a-f]{64}$/;
const PIN = "pin-";
const NOTE = "runtime-"; // of early.ts

export const modelCache: ModelCache = {
  list: async (options = {}) => {
    const { keeper, signal } = await openEnvironment(options);
    const entries = await keeper.store.list(signal);
    return entries.filter(({ key, sizeBytes }) => sizeBytes > 0 && CHUNK_KEY.test(key));
  },
  size: async (options) =>
    (await modelCache.list(options)).reduce((total, { sizeBytes }) => total + sizeBytes, 0),
  isCached: async (ref, options = {}) => {
    const [first] = (await planned(ref, await openEnvironment(options))).selection.order;
    return first?.missing.length === 0;
  },
  verify: async (ref, options = {}) => {
    const environment = await openEnvironment(options);
    const [first] = (await planned(ref, environment)).selection.order;
    const report = { intact: [] as string[], damaged: [] as string[], missing: hashes(first?.missing ?? []) };
    for (const chunk of first?.stored ?? []) {
      const isIntact = await environment.keeper.read(
        chunk,
        new Uint8Array(chunk.size),
        signalOf(environment),
      );
      (isIntact ? report.intact : report.damaged).push(chunk.hash);
    }
    return report;
  },
  pin: async (ref, options = {}) => {
    const environment = await openEnvironment(options);
    const note = new TextEncoder().encode(JSON.stringify(await allKeys(ref, environment)));
    await environment.keeper.store.write(await pinKey(ref, environment), note, environment.signal);
  },
  evict: async (ref, options = {}) => {
    const environment = await openEnvironment(options);
    const { store } = environment.keeper;
    await store.remove(await pinKey(ref, environment), environment.signal);
    const held = await pinnedKeys(environment);
    for (const key of await allKeys(ref, environment)) {
      // Other models may be of the same manifest; it is small, and gc takes it.
      if ((CHUNK_KEY.test(key) || key.startsWith(NOTE)) && !held.has(key))
        await store.remove(key, environment.signal);
    }
  },
  gc: async (keep, options = {}) => {
    const environment = await openEnvironment(options);
    const { store } = environment.keeper;
    const held = new Set(await pinnedKeys(environment));
    for (const ref of keep) for (const key of await allKeys(ref, environment)) held.add(key);
    let freedBytes = 0;
    for (const { key, sizeBytes } of await store.list(environment.signal)) {
      if (sizeBytes && (held.has(key) || key.startsWith(PIN))) continue;
      await removeEntry(store, { key, sizeBytes }, environment.signal);
      freedBytes += sizeBytes;
    }
    return freedBytes;
  },
  clear: async (options = {}) => {
    const { keeper, signal } = await openEnvironment(options);
    for (const entry of await keeper.store.list(signal)) await removeEntry(keeper.store, entry, signal);
  },
};

/** An unfinished entry that resists is being written by another tab. */
async function removeEntry(
  store: ModelStore,
  { key, sizeBytes }: StoredEntry,
  signal: AbortSignal | undefined,
): Promise<void> {
  const removed = store.remove(key, signal);
  await (sizeBytes ? removed : removed.catch(() => undefined));
}

function planned(ref: ModelRef, environment: Environment): ReturnType<typeof planWith> {
  return planWith(resolveReference(ref, environment.baseUrl), environment);
}

/** The chunks of all variants and assets, the manifest, and the note for a second visit. */
async function allKeys(ref: ModelRef, environment: Environment): Promise<readonly string[]> {
  const { manifest, model, reference } = await planned(ref, environment);
  const assets = filesOf(manifest, [...model.assets.values(), ...(manifest.runtime?.builds.values() ?? [])]);
  const chunks = [
    ...model.variants.flatMap((variant) => variantChunks(manifest, variant)),
    ...chunksOf(manifest, assets),
  ];
  const note = NOTE + (await modelId(ref, environment));
  return [...hashes(chunks), await manifestKey(reference, hasherIn(environment)), note];
}

function hasherIn({ hasher }: Environment): Hasher {
  if (!hasher) throw new ModelpackError("USAGE", "nothing is stored without crypto.subtle");
  return hasher;
}

async function pinKey(ref: ModelRef, environment: Environment): Promise<string> {
  return PIN + (await modelId(ref, environment));
}

async function modelId(ref: ModelRef, environment: Environment): Promise<string> {
  const { manifestUrl, model } = resolveReference(ref, environment.baseUrl);
  return hasherIn(environment)(new TextEncoder().encode(`${manifestUrl}#${model}`));
}

async function pinnedKeys(environment: Environment): Promise<ReadonlySet<string>> {
  const held = new Set<string>();
  for (const key of await storedKeys(environment)) {
    if (!key.startsWith(PIN)) continue;
    const note = await environment.keeper.store.read(key, environment.signal);
    for (const hash of readNote(note)) held.add(hash);
  }
  return held;
}

/** The hashes in a note; none where something else has written it. */
function readNote(note: Uint8Array | undefined): readonly string[] {
  try {
    const found: unknown = JSON.parse(new TextDecoder().decode(note));
    return Array.isArray(found) ? found.filter((hash) => typeof hash === "string") : [];
  } catch {
    return [];
  }
}

function hashes(chunks: readonly Chunk[]): string[] {
  return chunks.map((chunk) => chunk.hash);
}

function signalOf({ signal }: Environment): AbortSignal {
  return signal ?? new AbortController().signal;
}
