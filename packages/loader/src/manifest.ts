/**
 * Bytes → a typed manifest. Whatever is not exactly a manifest of version 1 is refused; unknown fields are ignored.
 * The builder refuses the same: both read tests/fixtures/hostile_manifests. Tables become Maps, so that a key such
 * as `__proto__` can never name something that an object inherits.
 */
import { ModelpackError, messageOf } from "./errors.ts";
import {
  list,
  number,
  object,
  oneOf,
  optional,
  or,
  type Reader,
  record,
  table,
  text,
  whole,
} from "./readers.ts";
import { checkRules } from "./rules.ts";

export type Form = "gzip" | "zstd" | "br";

export interface Chunk {
  readonly hash: string;
  readonly size: number;
  /** The size of each published encoded form. */
  readonly enc: Readonly<Partial<Record<Form, number>>>;
  /** What the host sends for it. */
  readonly transfer: number;
}

/** A run of bytes: of the chunk at position `chunk`, or zeros where it is undefined. */
export interface Part {
  readonly chunk: number | undefined;
  readonly offset: number;
  readonly length: number;
}

export interface ManifestFile {
  readonly size: number;
  readonly hash: string;
  readonly type: string;
  readonly parts: readonly Part[];
}

/** An input or output in onnxruntime's shape. A dimension without size or name is an empty string. */
export interface ValueMetadata {
  readonly name: string;
  readonly isTensor: true;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface WebgpuNeeds {
  readonly features: readonly string[];
  readonly limits: ReadonlyMap<string, number>;
}

/** What a browser must offer for a variant. */
export interface Requires {
  readonly webgpu?: WebgpuNeeds;
  readonly wasm: readonly string[];
  readonly deviceMemoryGB?: number;
  readonly storageBytes?: number;
}

export interface Variant {
  readonly id: string;
  readonly dtype: string;
  readonly scheme: string;
  readonly digest: string;
  readonly device: string;
  readonly runtime: string;
  readonly executionProviders: readonly string[];
  readonly requires: Requires;
  readonly graph: string;
  readonly externalData: readonly { readonly path: string; readonly file: string }[];
  readonly sessionOptions: Readonly<Record<string, unknown>>;
  readonly size: { readonly decoded: number; readonly transfer: number };
  readonly inputs?: readonly ValueMetadata[];
  readonly outputs?: readonly ValueMetadata[];
}

export interface Model {
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];
  readonly state: readonly { readonly input: string; readonly output: string }[];
  readonly assets: ReadonlyMap<string, string>;
  readonly load: "eager" | "idle" | "lazy";
  readonly variants: readonly Variant[];
  readonly version?: string;
  readonly license?: string;
  readonly source?: string;
  readonly group?: string;
}

export interface Delivery {
  readonly base: string;
  readonly chunkUrl: string;
  readonly mode: "stored" | "transport";
  readonly mirrors: readonly string[];
}

/** The WebAssembly of the package that runs the models, by device, for one version of its JavaScript. */
export interface ManifestRuntime {
  readonly package: string;
  readonly version: string;
  readonly builds: ReadonlyMap<string, string>;
}

export interface Manifest {
  readonly delivery: Delivery;
  readonly chunks: readonly Chunk[];
  readonly files: ReadonlyMap<string, ManifestFile>;
  readonly models: ReadonlyMap<string, Model>;
  readonly runtime?: ManifestRuntime;
}

export const MAX_MANIFEST_BYTES: number = 2 ** 25; // some 100,000 chunks; more is an attack on memory
const MAX_CHUNK_BYTES = 2 ** 24;
const MAX_ZERO_RUN_BYTES = 2 ** 16;
// Only as a key and only when spelled plainly; spelled otherwise it meets `table`, and is harmless elsewhere.
const POLLUTING_KEY = /"(__proto__|constructor|prototype)"\s*:/;

/** The manifest in `bytes`. Throws MANIFEST_INTEGRITY, MANIFEST_VERSION, or MANIFEST_FETCH for a web page. */
export function parseManifest(bytes: Uint8Array, url: string): Manifest {
  try {
    const document = readJson(bytes, url);
    checkVersion(document, url);
    const manifest = readManifest(document, "manifest");
    checkRules(manifest);
    return manifest;
  } catch (error) {
    if (error instanceof ModelpackError) throw error;
    throw new ModelpackError("MANIFEST_INTEGRITY", `${url} is no manifest: ${messageOf(error)}`, {
      url,
      hint: "publish the output of `modelpack build` unchanged",
    });
  }
}

function readJson(bytes: Uint8Array, url: string): Readonly<Record<string, unknown>> {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new Error(`${bytes.length} bytes; at most ${MAX_MANIFEST_BYTES}`);
  const json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  if (/^\s*</.test(json)) {
    throw new ModelpackError("MANIFEST_FETCH", `${url} is a web page, not a manifest`, {
      url,
      hint: "the server answers unknown names with HTML; publish all of the build",
    });
  }
  const key = POLLUTING_KEY.exec(json)?.[1];
  if (key) throw new Error(`the key "${key}" is not allowed`);
  return object(JSON.parse(json), "manifest");
}

function checkVersion({ manifestVersion: version }: Readonly<Record<string, unknown>>, url: string): void {
  if (version === 1) return;
  throw new ModelpackError(
    "MANIFEST_VERSION",
    `${url} has manifestVersion ${JSON.stringify(version)}; expected 1`,
    {
      url,
      hint: "install the @modelpack/loader of the modelpack that built it",
    },
  );
}

const hash = text(/^[0-9a-f]{64}$/);
const name = text(/^[a-z0-9][a-z0-9._-]{0,127}$/);
const fileId = text(/^[a-z0-9][a-z0-9._-]*(@[a-z0-9][a-z0-9._-]*)?\/[a-z0-9][a-z0-9._-]*$/);
const word = text(/^[\s\S]{1,1024}$/);
const anyText = text(/^[\s\S]{0,1024}$/);
const bytes = whole(0);
const chunkBytes = whole(1, MAX_CHUNK_BYTES);

const value: Reader<ValueMetadata> = record({
  name: word,
  isTensor: oneOf(true),
  type: word,
  shape: list((size, where) => (typeof size === "string" ? anyText : bytes)(size, where)),
});

const requires: Reader<Requires> = record({
  webgpu: optional(record({ features: or(list(word), []), limits: or(table(word, bytes), new Map()) })),
  wasm: or(list(word), []),
  deviceMemoryGB: optional(number),
  storageBytes: optional(bytes),
});

const variant: Reader<Variant> = record({
  id: name,
  dtype: name,
  scheme: word,
  digest: hash,
  device: name,
  runtime: name,
  executionProviders: list(name),
  requires,
  graph: fileId,
  externalData: list(record({ path: name, file: fileId })),
  sessionOptions: object,
  size: record({ decoded: bytes, transfer: bytes }),
  inputs: optional(list(value)),
  outputs: optional(list(value)),
});

const model: Reader<Model> = record({
  inputs: list(value),
  outputs: list(value),
  state: list(record({ input: word, output: word })),
  assets: table(name, fileId),
  load: oneOf("eager", "idle", "lazy"),
  variants: list(variant),
  version: optional(word),
  license: optional(word),
  source: optional(word),
  group: optional(word),
});

/** Case 1: a whole chunk, by its position. 2: `["z", length]`, zeros. 3: `[chunk, offset, length]`. */
const part: Reader<Part> = (found, where) => {
  if (!Array.isArray(found)) return { chunk: bytes(found, where), offset: 0, length: WHOLE_CHUNK };
  const [first, offset, length] = found;
  if (first === "z" && found.length === 2) {
    return { chunk: undefined, offset: 0, length: whole(1, MAX_ZERO_RUN_BYTES)(offset, where) };
  }
  if (found.length !== 3)
    throw new Error(`${where} is neither a chunk nor [chunk, offset, length] nor ["z", length]`);
  return { chunk: bytes(first, where), offset: bytes(offset, where), length: chunkBytes(length, where) };
};
const WHOLE_CHUNK = 0; // until the sizes of chunks are known

const readFields = record<Omit<Manifest, "chunks"> & { chunks: readonly Omit<Chunk, "transfer">[] }>({
  delivery: record<Delivery>({
    base: text(/^\.\/([a-z0-9][a-z0-9._-]*\/)*$/),
    chunkUrl: text(/^([a-z0-9][a-z0-9._-]*\/)*([a-z0-9_-][a-z0-9._-]{0,63})?\{hash\}\{ext\}$/),
    mode: oneOf("stored", "transport"),
    mirrors: or(list(text(/^https:\/\/[A-Za-z0-9.-]+(:\d+)?\/([A-Za-z0-9._~-]+\/)*$/)), []),
  }),
  chunks: list(
    record<Omit<Chunk, "transfer">>({
      hash,
      size: chunkBytes,
      enc: or(
        record<Chunk["enc"]>({
          gzip: optional(chunkBytes),
          zstd: optional(chunkBytes),
          br: optional(chunkBytes),
        }),
        {},
      ),
    }),
  ),
  files: table(
    fileId,
    record<ManifestFile>({
      size: bytes,
      hash,
      type: text(/^[a-z]{1,60}\/[a-z0-9.+-]{1,60}$/),
      parts: list(part),
    }),
  ),
  models: table(name, model),
  runtime: optional(record({ package: name, version: word, builds: table(name, fileId) })),
});

const readHeading = record({ $schema: anyText, generator: record({ name: word, version: word }) });

const readManifest: Reader<Manifest> = (document, where) => {
  readHeading(document, where);
  const fields = readFields(document, where);
  const chunks = fields.chunks.map((chunk) => ({ ...chunk, transfer: transferOf(chunk, fields.delivery) }));
  const files = new Map<string, ManifestFile>();
  for (const [id, file] of fields.files)
    files.set(id, { ...file, parts: file.parts.map(resolver(chunks, id)) });
  return { ...fields, chunks, files };
};

/** The smallest form that every browser gets. Of negotiated ones zstd does not count: Safari before 26 does not take it. */
function transferOf({ enc, size }: Omit<Chunk, "transfer">, { mode }: Delivery): number {
  const { zstd, ...others } = enc;
  const sizes = Object.values(mode === "stored" ? enc : others);
  return sizes.length ? Math.min(...sizes) : size;
}

/** Gives whole chunks their length; refuses what does not lie inside its chunk. */
function resolver(chunks: readonly Chunk[], id: string): (part: Part) => Part {
  return (given) => {
    const { chunk, offset } = given;
    if (chunk === undefined) return given;
    const size = chunks[chunk]?.size ?? 0;
    const length = given.length || size;
    if (size && offset + length <= size) return { chunk, offset, length };
    throw new Error(
      `files.${id}: ${length} bytes from ${offset} do not lie in chunk ${chunk} of ${size} bytes`,
    );
  };
}
