/** Which store a call uses. */
import { ModelpackError, messageOf } from "./errors.ts";
import { opfsStore } from "./opfs.ts";
import type { ModelStore } from "./store.ts";
import type { StoreChoice } from "./types.ts";

/** What a browser offers for storage; passed in, so that a server can import this. */
export interface StorageScope {
  readonly caches?: CacheStorage | undefined;
  readonly navigator?: { readonly storage?: StorageManager | undefined } | undefined;
}

/** The chosen store, or the next one down that this browser allows; one that keeps nothing where it allows none. */
export async function openStore(
  choice: StoreChoice,
  scope: StorageScope,
  warn: (warning: ModelpackError) => void,
): Promise<ModelStore> {
  if (typeof choice === "object") return choice;
  const wanted = choice === "auto" ? ["opfs", "cache-api"] : [choice];
  let refusal: unknown;
  for (const kind of wanted) {
    try {
      const store = await openKind(kind, scope);
      if (store) return store;
    } catch (error) {
      refusal = error; // private mode, blocked cookies, an insecure context
    }
  }
  if (refusal || choice !== "auto") {
    const why = refusal ? messageOf(refusal) : "it is not available here";
    warn(
      new ModelpackError("QUOTA", `no storage: ${why}`, { hint: "models are fetched again on each visit" }),
    );
  }
  return nothingKept;
}

// Where there is no storage, a copy of every model in memory is not what the page asked for.
const nothingKept: ModelStore = {
  kind: "none",
  read: async () => undefined,
  write: async () => undefined,
  remove: async () => undefined,
  list: async () => [],
};

/** Only the store that most browsers use is loaded at once. */
async function openKind(kind: string, { caches, navigator }: StorageScope): Promise<ModelStore | undefined> {
  const storage = navigator?.storage;
  if (kind === "opfs") return storage && canWriteFiles() ? opfsStore(storage) : undefined;
  if (kind === "memory") return (await import("./memory.ts")).sharedMemory;
  return caches && (await import("./cache-api.ts")).cacheApiStore(caches);
}

function canWriteFiles(): boolean {
  return typeof FileSystemFileHandle !== "undefined" && "createWritable" in FileSystemFileHandle.prototype;
}
