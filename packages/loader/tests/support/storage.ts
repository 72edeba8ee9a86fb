/** The Cache API and the origin private file system, as far as they are used, in memory. */

export function fakeCaches(): CacheStorage {
  const opened = new Map<string, Map<string, { readonly body: ArrayBuffer; readonly headers: Headers }>>();
  const cacheOf = (
    entries: Map<string, { readonly body: ArrayBuffer; readonly headers: Headers }>,
  ): Partial<Cache> => ({
    match: async (request) => {
      const found = entries.get(urlOf(request));
      return found && new Response(found.body.slice(0), { headers: found.headers });
    },
    put: async (request, response) => {
      const body = await response.arrayBuffer();
      entries.set(urlOf(request), { body, headers: response.headers });
    },
    delete: async (request) => entries.delete(urlOf(request)),
    keys: async () => [...entries.keys()].map((url) => new Request(url)),
  });
  return {
    open: async (name: string) => {
      const entries = opened.get(name) ?? new Map();
      opened.set(name, entries);
      return cacheOf(entries);
    },
  } as unknown as CacheStorage;
}

function urlOf(request: RequestInfo | URL): string {
  return request instanceof Request ? request.url : String(request);
}

export interface StorageFaults {
  readonly failWrites?: boolean;
  readonly failReads?: boolean;
}

export function fakeStorage(faults: StorageFaults = {}): StorageManager {
  const root = folder(faults);
  return { getDirectory: async () => root } as unknown as StorageManager;
}

function folder(faults: StorageFaults): FileSystemDirectoryHandle {
  const folders = new Map<string, FileSystemDirectoryHandle>();
  const files = new Map<string, FileSystemFileHandle>();
  const missing = (): never => {
    throw new DOMException("missing", "NotFoundError");
  };
  return {
    kind: "directory",
    getDirectoryHandle: async (name: string) => {
      const found = folders.get(name) ?? folder(faults);
      folders.set(name, found);
      return found;
    },
    getFileHandle: async (name: string, options?: { create?: boolean }) => {
      if (faults.failReads) throw new DOMException("denied", "NotAllowedError");
      const found = files.get(name) ?? (options?.create ? file(faults) : missing());
      files.set(name, found);
      return found;
    },
    removeEntry: async (name: string) => void (files.delete(name) || missing()),
    entries: async function* () {
      yield* files.entries();
    },
  } as unknown as FileSystemDirectoryHandle;
}

function file({ failWrites }: StorageFaults): FileSystemFileHandle {
  let content: Uint8Array<ArrayBuffer> = new Uint8Array();
  return {
    kind: "file",
    getFile: async () => new Blob([content]),
    createWritable: async () => {
      let written = content;
      return {
        write: async (bytes: Uint8Array<ArrayBuffer>) => {
          if (failWrites) throw new DOMException("full", "QuotaExceededError");
          written = bytes.slice();
        },
        close: async () => {
          content = written;
        },
        abort: async () => undefined,
      };
    },
  } as unknown as FileSystemFileHandle;
}
