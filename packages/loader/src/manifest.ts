/**
 * Bytes → a typed manifest. Whatever is not exactly a manifest of version 1 is refused; unknown fields are ignored.
 * The builder refuses the same: both read tests/fixtures/hostile_manifests. Tables become Maps, so that a key such
 * as `__proto__` can never name something that an object inherits.
 */
import { ModelpackError, messageOf } from "./errors.ts";
import { checkRules } from "./rules.ts";

export type Form = "gzip" | "zstd" | "br";

export interface Chunk {
  readonly hash: string;
  readonly size: number;
  /** The size of each published encoded form. */
  readonly enc: Readonly<Partial<Record<Form, number>>>;
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

export interface Manifest {
  readonly delivery: Delivery;
  readonly chunks: readonly Chunk[];
  readonly files: ReadonlyMap<string, ManifestFile>;
  readonly models: ReadonlyMap<string, Model>;
}

const MIB = 2 ** 20;
export const MAX_MANIFEST_BYTES: number = 32 * MIB; // some 100,000 chunks; more is an attack on memory
const MAX_CHUNK_BYTES = 16 * MIB;
const MAX_ZERO_RUN_BYTES = 64 * 1024;
const HASH = /^[0-9a-f]{64}$/;
const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/;
const FILE_ID = /^[a-z0-9][a-z0-9._-]*(@[a-z0-9][a-z0-9._-]*)?\/[a-z0-9][a-z0-9._-]*$/;
const WORD = /^[\s\S]{1,1024}$/;
const DIMENSION = /^[\s\S]{0,1024}$/;
const MEDIA_TYPE = /^[a-z]{1,60}\/[a-z0-9.+-]{1,60}$/;
const BASE = /^\.\/([a-z0-9][a-z0-9._-]*\/)*$/;
const CHUNK_URL = /^([a-z0-9][a-z0-9._-]*\/)*([a-z0-9_-][a-z0-9._-]{0,63})?\{hash\}\{ext\}$/;
const MIRROR = /^https:\/\/[A-Za-z0-9.-]+(:\d+)?\/([A-Za-z0-9._~-]+\/)*$/;
// Only as a key and only when spelled plainly; spelled otherwise it meets `table`, and is harmless elsewhere.
const POLLUTING_KEY = /"(__proto__|constructor|prototype)"\s*:/;

/** The manifest in `bytes`. Throws MANIFEST_INTEGRITY, MANIFEST_VERSION, or MANIFEST_FETCH for a web page. */
export function parseManifest(bytes: Uint8Array, url: string): Manifest {
  try {
    const document = readJson(bytes, url);
    checkVersion(document, url);
    const manifest = readManifest(document);
    checkRules(manifest);
    return manifest;
  } catch (error) {
    if (error instanceof ModelpackError) throw error;
    throw new ModelpackError("MANIFEST_INTEGRITY", `${url} is not a manifest: ${messageOf(error)}`, {
      url,
      hint: "run `modelpack build` and publish its output unchanged",
    });
  }
}

type Fields = Record<string, unknown>;
type Reader<T> = (value: unknown, where: string) => T;

function readJson(bytes: Uint8Array, url: string): Fields {
  if (bytes.length > MAX_MANIFEST_BYTES)
    throw new Error(`${bytes.length} bytes; at most ${MAX_MANIFEST_BYTES}`);
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  if (/^\s*</.test(text)) {
    throw new ModelpackError("MANIFEST_FETCH", `${url} is a web page, not a manifest`, {
      url,
      hint: "the server answers unknown names with HTML; check where the manifest is published",
    });
  }
  const key = POLLUTING_KEY.exec(text)?.[1];
  if (key) throw new Error(`the key "${key}" is not allowed`);
  return object(JSON.parse(text), "the document");
}

function checkVersion({ manifestVersion: version }: Fields, url: string): void {
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

function readManifest(document: Fields): Manifest {
  const generator = object(document["generator"], "generator");
  word(generator["name"], "generator.name");
  word(generator["version"], "generator.version");
  string(document["$schema"], "$schema", DIMENSION);
  const chunks = list(document["chunks"], "chunks", chunk);
  return {
    delivery: delivery(document["delivery"]),
    chunks,
    files: table(document["files"], "files", FILE_ID, (value, where) => file(value, where, chunks)),
    models: table(document["models"], "models", NAME, model),
  };
}

function delivery(value: unknown): Delivery {
  const fields = object(value, "delivery");
  return {
    base: string(fields["base"], "delivery.base", BASE),
    chunkUrl: string(fields["chunkUrl"], "delivery.chunkUrl", CHUNK_URL),
    mode: oneOf(fields["mode"], "delivery.mode", ["stored", "transport"]),
    mirrors: list(fields["mirrors"] ?? [], "delivery.mirrors", (item, where) => string(item, where, MIRROR)),
  };
}

function chunk(value: unknown, where: string): Chunk {
  const fields = object(value, where);
  const forms = object(fields["enc"] ?? {}, `${where}.enc`);
  const enc: Partial<Record<Form, number>> = {};
  for (const form of ["gzip", "zstd", "br"] as const) {
    if (forms[form] !== undefined) enc[form] = whole(forms[form], `${where}.enc.${form}`, 1, MAX_CHUNK_BYTES);
  }
  return {
    hash: hash(fields["hash"], where),
    size: whole(fields["size"], `${where}.size`, 1, MAX_CHUNK_BYTES),
    enc,
  };
}

function file(value: unknown, where: string, chunks: readonly Chunk[]): ManifestFile {
  const fields = object(value, where);
  return {
    size: whole(fields["size"], `${where}.size`),
    hash: hash(fields["hash"], where),
    type: string(fields["type"], `${where}.type`, MEDIA_TYPE),
    parts: list(fields["parts"], `${where}.parts`, (item, at) => part(item, at, chunks)),
  };
}

/** Case 1: a whole chunk, by its position. 2: `["z", length]`, zeros. 3: `[chunk, offset, length]`. */
function part(value: unknown, where: string, chunks: readonly Chunk[]): Part {
  if (!Array.isArray(value)) {
    return { chunk: value as number, offset: 0, length: chunkAt(value, where, chunks).size };
  }
  if (value[0] === "z" && value.length === 2) {
    return { chunk: undefined, offset: 0, length: whole(value[1], where, 1, MAX_ZERO_RUN_BYTES) };
  }
  if (value.length !== 3)
    throw new Error(`${where} is neither a chunk nor [chunk, offset, length] nor ["z", length]`);
  const size = chunkAt(value[0], where, chunks).size;
  const offset = whole(value[1], where, 0, size - 1);
  return { chunk: value[0] as number, offset, length: whole(value[2], where, 1, size - offset) };
}

function chunkAt(value: unknown, where: string, chunks: readonly Chunk[]): Chunk {
  return chunks[whole(value, where, 0, chunks.length - 1)] as Chunk;
}

function model(value: unknown, where: string): Model {
  const fields = object(value, where);
  const optional = pick(fields, where, ["version", "license", "source", "group"], word);
  return {
    ...optional,
    inputs: values(fields["inputs"], `${where}.inputs`),
    outputs: values(fields["outputs"], `${where}.outputs`),
    state: list(fields["state"], `${where}.state`, statePair),
    assets: table(fields["assets"], `${where}.assets`, NAME, fileId),
    load: oneOf(fields["load"], `${where}.load`, ["eager", "idle", "lazy"]),
    variants: list(fields["variants"], `${where}.variants`, variant),
  };
}

function statePair(value: unknown, where: string): Model["state"][number] {
  const fields = object(value, where);
  return { input: word(fields["input"], where), output: word(fields["output"], where) };
}

function variant(value: unknown, where: string): Variant {
  const fields = object(value, where);
  const size = object(fields["size"], `${where}.size`);
  const name = (key: string): string => string(fields[key], `${where}.${key}`, NAME);
  return {
    ...pick(fields, where, ["inputs", "outputs"], values),
    id: name("id"),
    dtype: name("dtype"),
    scheme: word(fields["scheme"], `${where}.scheme`),
    digest: hash(fields["digest"], `${where}.digest`),
    device: name("device"),
    runtime: name("runtime"),
    executionProviders: list(fields["executionProviders"], `${where}.executionProviders`, (item, at) =>
      string(item, at, NAME),
    ),
    requires: requires(fields["requires"], `${where}.requires`),
    graph: fileId(fields["graph"], `${where}.graph`),
    externalData: list(fields["externalData"], `${where}.externalData`, dataReference),
    sessionOptions: object(fields["sessionOptions"], `${where}.sessionOptions`),
    size: {
      decoded: whole(size["decoded"], `${where}.size.decoded`),
      transfer: whole(size["transfer"], `${where}.size.transfer`),
    },
  };
}

function dataReference(value: unknown, where: string): Variant["externalData"][number] {
  const fields = object(value, where);
  return {
    path: string(fields["path"], `${where}.path`, NAME),
    file: fileId(fields["file"], `${where}.file`),
  };
}

function requires(value: unknown, where: string): Requires {
  const fields = object(value, where);
  const memory = fields["deviceMemoryGB"];
  if (memory !== undefined && !(typeof memory === "number" && memory > 0))
    throw new Error(`${where}.deviceMemoryGB`);
  return {
    ...pick(fields, where, ["webgpu"], webgpuNeeds),
    ...pick(fields, where, ["storageBytes"], whole),
    ...(memory === undefined ? {} : { deviceMemoryGB: memory }),
    wasm: list(fields["wasm"] ?? [], `${where}.wasm`, word),
  };
}

function webgpuNeeds(value: unknown, where: string): WebgpuNeeds {
  const fields = object(value, where);
  return {
    features: list(fields["features"] ?? [], `${where}.features`, word),
    limits: table(fields["limits"] ?? {}, `${where}.limits`, WORD, (item, at) => whole(item, at)),
  };
}

function values(value: unknown, where: string): readonly ValueMetadata[] {
  return list(value, where, (item, at) => {
    const fields = object(item, at);
    if (fields["isTensor"] !== true) throw new Error(`${at}.isTensor is not true`);
    return {
      name: word(fields["name"], `${at}.name`),
      isTensor: true,
      type: word(fields["type"], `${at}.type`),
      shape: list(fields["shape"], `${at}.shape`, (size, place) =>
        typeof size === "string" ? string(size, place, DIMENSION) : whole(size, place),
      ),
    };
  });
}

function object(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${where} is no object`);
  // Without a prototype only what was written in the manifest can be read from it.
  return Object.assign(Object.create(null), value) as Fields;
}

function table<T>(value: unknown, where: string, keys: RegExp, read: Reader<T>): ReadonlyMap<string, T> {
  return new Map(
    Object.entries(object(value, where)).map(([key, item]) => {
      if (key in Object.prototype) throw new Error(`the key "${key}" is not allowed`);
      return [string(key, where, keys), read(item, `${where}.${key}`)];
    }),
  );
}

function list<T>(value: unknown, where: string, read: Reader<T>): readonly T[] {
  if (!Array.isArray(value)) throw new Error(`${where} is no list`);
  return value.map((item, position) => read(item, `${where}[${position}]`));
}

function pick<Key extends string, T>(
  fields: Fields,
  where: string,
  keys: readonly Key[],
  read: Reader<T>,
): Partial<Record<Key, T>> {
  const found: Partial<Record<Key, T>> = {};
  for (const key of keys) if (fields[key] !== undefined) found[key] = read(fields[key], `${where}.${key}`);
  return found;
}

function string(value: unknown, where: string, pattern: RegExp): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  throw new Error(`${where} is ${shown(value)}; expected ${pattern.source}`);
}

function oneOf<T extends string>(value: unknown, where: string, words: readonly T[]): T {
  const found = words.find((item) => item === value);
  if (found) return found;
  throw new Error(`${where} is ${shown(value)}; expected ${words.join(" or ")}`);
}

function whole(
  value: unknown,
  where: string,
  least: number = 0,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw new Error(`${where} is ${shown(value)}; expected a whole number from ${least} to ${most}`);
}

const hash: Reader<string> = (value, where) => string(value, `${where}.hash`, HASH);
const word: Reader<string> = (value, where) => string(value, where, WORD);
const fileId: Reader<string> = (value, where) => string(value, where, FILE_ID);

function shown(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 80);
}
