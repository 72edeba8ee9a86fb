/** Options with their defaults, and what the global scope offers: made once per call, read everywhere else. */
import { type Keeper, keeperOf } from "./chunks.ts";
import type { DeviceScope } from "./device.ts";
import type { ModelpackError } from "./errors.ts";
import { openStore, type StorageScope } from "./open-store.ts";
import type { FetchLike, LoadOptions } from "./types.ts";
import { type Hasher, hasherOf } from "./verify.ts";

/** The parts of the global scope that the loader uses, all of which may be missing. */
export interface Scope extends DeviceScope, StorageScope {
  readonly navigator?: (Navigator & object) | undefined;
  readonly crypto?: Crypto | undefined;
  readonly performance?: Performance | undefined;
  readonly location?: { readonly href: string } | undefined;
  readonly document?: { readonly baseURI: string } | undefined;
  readonly Worker?: unknown;
  readonly SharedWorker?: unknown;
  readonly trustedTypes?: TrustedTypes | undefined;
}

/** The part of the browser's trusted types that is used; TypeScript does not know them. */
export interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): unknown };
}

export interface Environment {
  readonly scope: Scope;
  readonly options: LoadOptions;
  readonly keeper: Keeper;
  readonly hasher: Hasher | undefined;
  readonly fetch: FetchLike;
  readonly baseUrl: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly warn: (warning: ModelpackError) => void;
  readonly now: () => number;
  /** What has to be there before more than a few chunks are asked for at once. */
  readonly ahead?: Promise<unknown>;
  /** Hears of the first of several files as soon as it is whole. */
  readonly onFirst?: (bytes: Uint8Array<ArrayBuffer>) => void;
}

export const STALL_TIMEOUT_MS = 30_000;

/** The environment of one call. Throws CHUNK_INTEGRITY where nothing can be verified. */
export async function openEnvironment(
  options: LoadOptions,
  scope: Scope = globalThis as Scope,
): Promise<Environment> {
  const hasher = hasherOf(scope.crypto?.subtle, options.integrity ?? "required");
  // biome-ignore lint/suspicious/noConsole: a caller who passes no onWarning still has to hear of it
  const warn = options.onWarning ?? ((warning) => console.warn(`modelpack: ${warning.message}`));
  const store = await openStore(options.cache ?? "auto", scope, warn);
  return {
    scope,
    options,
    hasher,
    warn,
    keeper: keeperOf(store, hasher, warn),
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    baseUrl: options.baseUrl ?? scope.document?.baseURI ?? scope.location?.href,
    signal: options.signal,
    now: () => scope.performance?.now() ?? Date.now(),
  };
}
