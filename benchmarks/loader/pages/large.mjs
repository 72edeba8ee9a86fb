// One way to hand 350 MB of weights to one build of onnxruntime-web, as `?way=…&build=…` says.
// Tells the time to a session, the size of the wasm heap, and that the session runs.
const query = new URLSearchParams(location.search);
const [way, build] = [query.get("way"), query.get("build")];
const MANIFEST = "/packs/manifest.json";
const heaps = [];
WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
  construct: (target, given) => {
    const memory = new target(...given);
    heaps.push(memory);
    return memory;
  },
});

async function chunks() {
  const { chunks: all, files, models } = await (await fetch(MANIFEST)).json();
  const [{ graph, externalData }] = models.large.variants;
  const [{ path, file }] = externalData;
  const partsOf = (id) => files[id].parts.map((part) => (Array.isArray(part) ? part[1] : all[part]));
  return { path, size: files[file].size, graph: partsOf(graph), data: partsOf(file) };
}

// A run of zeros is a number, a chunk has a hash; six at once, handed over in order.
async function eachChunk(parts, take) {
  let end = 0;
  const placed = parts.map((part) => {
    const from = end;
    end += typeof part === "number" ? part : part.size;
    return [part, from];
  });
  const rest = placed.values(); // one iterator, shared by all lanes
  const lane = async () => {
    for (const [part, from] of rest) {
      if (typeof part === "number") continue;
      await take(new Uint8Array(await (await fetch(`/packs/c/${part.hash}.bin`)).arrayBuffer()), from);
    }
  };
  await Promise.all(Array.from({ length: 6 }, lane));
}

async function inOneBuffer(parts, size) {
  const whole = new Uint8Array(size);
  await eachChunk(parts, (bytes, from) => whole.set(bytes, from));
  return whole;
}

const WAYS = {
  buffer: inOneBuffer,
  blob: async (parts, size) => {
    const pieces = new Map();
    await eachChunk(parts, (bytes, from) => void pieces.set(from, new Blob([bytes])));
    const list = [];
    let end = 0;
    for (const [from, piece] of [...pieces].sort(([one], [other]) => one - other)) {
      if (from > end) list.push(new Uint8Array(from - end));
      list.push(piece);
      end = from + piece.size;
    }
    if (size > end) list.push(new Uint8Array(size - end));
    return new Blob(list);
  },
  opfs: async (parts, size) => {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle("weights", { create: true });
    const stream = await handle.createWritable();
    await stream.truncate(size);
    await eachChunk(parts, (data, position) => stream.write({ type: "write", position, data }));
    await stream.close();
    return handle.getFile();
  },
};

async function create(ort) {
  if (way === "inside") return ort.InferenceSession.create("/model.onnx", { executionProviders: ["wasm"] });
  const { path, size, graph, data } = await chunks();
  const model = await inOneBuffer(
    graph,
    graph.reduce((sum, part) => sum + (part.size ?? part), 0),
  );
  const weights = await WAYS[way](data, size);
  const started = performance.now();
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ["wasm"],
    externalData: [{ path, data: weights }],
  });
  createMs = performance.now() - started;
  return session;
}

async function withLoader() {
  const { load } = await import("/loader/index.js");
  const model = await load("/packs/manifest.json#large", {
    device: "wasm",
    worker: build !== "page",
    runtime: { moduleUrl: "/ort/ort.wasm.min.mjs" },
  });
  const x = { type: "float32", data: new Float32Array(2048).fill(1), dims: [1, 2048] };
  return Object.values(await model.run({ x0: x }))[0].data[0];
}

async function alone() {
  const ort = await import(`/ort/ort.${build}.min.mjs`);
  ort.env.wasm.numThreads = 1;
  const session = await create(ort);
  const x0 = new ort.Tensor("float32", new Float32Array(2048).fill(1), [1, 2048]);
  return Object.values(await session.run({ x0 }))[0].data[0];
}

let createMs = Number.NaN;
try {
  const first = way === "loader" ? await withLoader() : await alone();
  const heap = Math.max(0, ...heaps.map((memory) => memory.buffer.byteLength));
  await fetch(`/report?ms=${performance.now()}&createMs=${createMs}&heap=${heap}&first=${first}`);
} catch (error) {
  await fetch(`/report?error=${encodeURIComponent(String(error?.stack ?? error))}`);
}
