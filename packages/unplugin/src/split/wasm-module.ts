/**
 * The parts of a WebAssembly module that matter when functions move between modules: bodies are copied as they are, because
 * every function keeps its index. The format: https://webassembly.github.io/spec/core/binary/modules.html
 */

export interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

export interface WasmModule {
  /** In their order, without custom ones. */
  readonly sections: readonly Section[];
  /** The number of parameters of each type; undefined for what is no plain function. */
  readonly parameterCounts: readonly number[];
  /** The type of functions without parameters and results. */
  readonly voidType: number;
  readonly importedFunctions: number;
  readonly importedGlobals: number;
  /** The type of each function that is defined. */
  readonly types: readonly number[];
  /** Its locals and instructions. */
  readonly bodies: readonly Uint8Array[];
  /** The value type and the mutability of each global that is defined, as they are encoded. */
  readonly globals: readonly Uint8Array[];
  /** The element type and the limits of its table, as they are encoded. */
  readonly table: Uint8Array;
}

export const TYPE = 1;
export const IMPORT = 2;
export const FUNCTION = 3;
export const TABLE = 4;
export const GLOBAL = 6;
export const EXPORT = 7;
export const ELEMENT = 9;
export const CODE = 10;
const TAG = 13;

const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const FUNCTION_TYPE = 0x60;
const END = 0x0b;

/** The module in `bytes`. Throws an Error for what this cannot read, or could not cut. */
export function readModule(bytes: Uint8Array): WasmModule {
  if (HEADER.some((byte, at) => bytes[at] !== byte)) throw new Error("it is no WebAssembly module");
  const sections = [...readSections(bytes)];
  const contentOf = (id: number): Reader => {
    const section = sections.find((one) => one.id === id);
    if (!section) throw new Error(`it has no section ${id}`);
    return new Reader(section.content);
  };
  if (sections.some(({ id }) => id === TAG)) throw new Error("it has exceptions");
  for (const id of [EXPORT, ELEMENT]) contentOf(id);
  const signatures = contentOf(TYPE).list(readSignature);
  const kinds = contentOf(IMPORT).list(readImport);
  const tables = contentOf(TABLE).list((reader) => reader.slice(() => skipTable(reader)));
  const [table] = tables;
  if (!table || tables.length > 1 || kinds.includes("table"))
    throw new Error("it has not one table of its own");
  return {
    sections,
    parameterCounts: signatures.map(({ parameters }) => parameters),
    voidType: signatures.findIndex(({ parameters, results }) => parameters + results === 0),
    importedFunctions: kinds.filter((kind) => kind === "function").length,
    importedGlobals: kinds.filter((kind) => kind === "global").length,
    types: contentOf(FUNCTION).list((reader) => reader.whole()),
    bodies: contentOf(CODE).list((reader) => reader.bytes(reader.whole())),
    globals: contentOf(GLOBAL).list(readGlobal),
    table,
  };
}

/** A module of these sections. */
export function writeModule(sections: readonly Section[]): Uint8Array {
  return joined([HEADER, ...sections.flatMap(({ id, content }) => [Uint8Array.of(id), sized(content)])]);
}

/** The content of a list's section with `items` after its own. */
export function appended(content: Uint8Array, items: readonly Uint8Array[]): Uint8Array {
  const reader = new Reader(content);
  const count = reader.whole();
  return joined([whole(count + items.length), content.subarray(reader.position), ...items]);
}

export function list(items: readonly Uint8Array[]): Uint8Array {
  return joined([whole(items.length), ...items]);
}

export function name(text: string): Uint8Array {
  return sized(Buffer.from(text));
}

/** `content` after its length. */
export function sized(content: Uint8Array): Uint8Array {
  return joined([whole(content.length), content]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** An unsigned LEB128. */
export function whole(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

/** `i32.const`, whose operand is signed. */
export function constant(value: number): Uint8Array {
  const bytes = [0x41];
  let rest = value;
  for (; rest > 0x3f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

/** How many bytes of a body its locals take. */
export function localsSize(body: Uint8Array): number {
  const reader = new Reader(body);
  reader.list(() => [reader.whole(), reader.byte()]);
  return reader.position;
}

/** Whether the body may copy from the module's data, or drop it; of other bodies, few look so. */
export function usesData(body: Uint8Array): boolean {
  for (let at = body.indexOf(0xfc); at >= 0; at = body.indexOf(0xfc, at + 1)) {
    if (body[at + 1] === 8 || body[at + 1] === 9) return true;
  }
  return false;
}

class Reader {
  position = 0;
  readonly #content: Uint8Array;

  constructor(content: Uint8Array) {
    this.#content = content;
  }

  get isAtEnd(): boolean {
    return this.position >= this.#content.length;
  }

  byte(): number {
    const byte = this.#content[this.position++];
    if (byte === undefined) throw new Error("it ends too early");
    return byte;
  }

  bytes(count: number): Uint8Array {
    this.position += count;
    if (this.position > this.#content.length) throw new Error("it ends too early");
    return this.#content.subarray(this.position - count, this.position);
  }

  /** LEB128. Of a signed one it is right about the length alone. */
  whole(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  list<T>(read: (reader: Reader) => T): T[] {
    return Array.from({ length: this.whole() }, () => read(this));
  }

  /** What `skip` goes over. */
  slice(skip: () => void): Uint8Array {
    const from = this.position;
    skip();
    return this.#content.subarray(from, this.position);
  }
}

function* readSections(bytes: Uint8Array): Generator<Section> {
  const reader = new Reader(bytes.subarray(HEADER.length));
  while (!reader.isAtEnd) {
    const id = reader.byte();
    const content = reader.bytes(reader.whole());
    if (id !== 0) yield { id, content };
  }
}

function readSignature(reader: Reader): { readonly parameters: number; readonly results: number } {
  if (reader.byte() !== FUNCTION_TYPE) throw new Error("it has types that are no functions");
  return { parameters: reader.bytes(reader.whole()).length, results: reader.bytes(reader.whole()).length };
}

const KINDS = ["function", "table", "memory", "global"] as const;

function readImport(reader: Reader): (typeof KINDS)[number] {
  reader.bytes(reader.whole()); // the module
  reader.bytes(reader.whole()); // the name
  const kind = KINDS[reader.byte()];
  if (kind === "function") reader.whole();
  else if (kind === "table") skipTable(reader);
  else if (kind === "memory") skipLimits(reader);
  else if (kind === "global") reader.bytes(2);
  else throw new Error("it imports what this does not know");
  return kind;
}

function skipTable(reader: Reader): void {
  reader.byte();
  skipLimits(reader);
}

function skipLimits(reader: Reader): void {
  const hasMaximum = reader.byte() & 1;
  reader.whole();
  if (hasMaximum) reader.whole();
}

function readGlobal(reader: Reader): Uint8Array {
  const type = reader.bytes(2);
  const operation = reader.byte();
  // i32.const, i64.const, global.get, f32.const, f64.const
  if (operation === 0x41 || operation === 0x42 || operation === 0x23) reader.whole();
  else if (operation === 0x43) reader.bytes(4);
  else if (operation === 0x44) reader.bytes(8);
  else throw new Error("it has a global that this cannot read");
  if (reader.byte() !== END) throw new Error("it has a global that is computed");
  return type;
}
