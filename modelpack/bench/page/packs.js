// Samples and outputs as one run of bytes: the header's length, the header (JSON), the tensors. See bench/packs.py.
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: globalThis.Float16Array ?? Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};
const ALIGNMENT = 8;

/** `{ state, steps }`, each a table of tensors by name. */
export function readSample(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = aligned(4 + length);
  const table = (entries) =>
    Object.fromEntries(entries.map((entry) => [entry.name, tensor(buffer, start, entry)]));
  return { state: table(header.state), steps: header.steps.map(table) };
}

/** The bytes of the outputs of each step. */
export function writeOutputs(steps) {
  const pieces = [];
  let offset = 0;
  const entry = ([name, { type, data, dims }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const found = { name, type, dims: [...dims], offset, size: bytes.length };
    const padding = aligned(bytes.length) - bytes.length;
    pieces.push(bytes, new Uint8Array(padding));
    offset += bytes.length + padding;
    return found;
  };
  const header = { state: [], steps: steps.map((outputs) => Object.entries(outputs).map(entry)) };
  const written = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, written.length, true);
  return new Blob([
    length,
    written,
    new Uint8Array(aligned(4 + written.length) - 4 - written.length),
    ...pieces,
  ]);
}

function tensor(buffer, start, { type, dims, offset, size }) {
  // A buffer of its own: a view of a larger one is sent to the worker with all of it, and cannot be given away.
  return { type, dims, data: new ARRAYS[type](buffer.slice(start + offset, start + offset + size)) };
}

const aligned = (size) => Math.ceil(size / ALIGNMENT) * ALIGNMENT;
