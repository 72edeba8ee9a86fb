// onnxruntime-web itself, without the loader: nothing is published yet. Its profile says what ran where.
import { readSample, writeOutputs } from "/bench/packs.js";

const KERNEL = "_kernel_time";
const nodes = new Map();

// At the end of profiling, onnxruntime-web writes its profile to the console, a line of JSON for each event.
for (const level of ["debug", "log", "info", "warn", "error"]) {
  console[level] = (...words) => listen(words.join(" "));
}

function listen(line) {
  if (!line.startsWith("{") || !line.includes(KERNEL)) return;
  const { name, args } = JSON.parse(line.replace(/,\s*$/, ""));
  if (!name.endsWith(KERNEL)) return;
  const node = { name: name.slice(0, -KERNEL.length), operator: args.op_name, provider: args.provider };
  nodes.set(`${node.provider} ${node.name}`, node);
}

addEventListener("message", async ({ data }) => postMessage(await tryOut(data)));

async function tryOut(request) {
  let stage = "page";
  try {
    const samples = await Promise.all(
      Array.from({ length: request.samples }, (_, index) => fetchSample(index)),
    );
    const ort = await import(`/ort/${request.module}`);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = `${location.origin}/ort/`;
    stage = "session";
    const session = await ort.InferenceSession.create(at(request.graph), options(request));
    stage = "run";
    for (const [index, sample] of samples.entries())
      await sendOutputs(index, await outputsOf(ort, session, sample, request));
    session.endProfiling();
    return { stage: "done", message: "", nodes: [...nodes.values()] };
  } catch (error) {
    return { stage, message: `${error?.message ?? error}`, nodes: [] };
  }
}

function options({ device, data }) {
  return {
    executionProviders: [device],
    externalData: data.map((path) => ({ path, data: at(path) })),
    enableProfiling: true,
  };
}

const at = (path) => `/models/${path.split("/").map(encodeURIComponent).join("/")}`;

/** The outputs of each step, with state carried from one to the next. */
async function outputsOf(ort, session, { state, steps }, { carried }) {
  const found = [];
  let held = tensors(ort, state);
  for (const step of steps) {
    const outputs = await session.run({ ...tensors(ort, step), ...held });
    held = Object.fromEntries(
      carried.filter(({ input }) => input in held).map(({ input, output }) => [input, outputs[output]]),
    );
    // Strings have no bytes, and are not compared.
    found.push(Object.fromEntries(Object.entries(outputs).filter(([, { type }]) => type !== "string")));
  }
  return found;
}

function tensors(ort, table) {
  return Object.fromEntries(
    Object.entries(table).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]),
  );
}

async function fetchSample(index) {
  return readSample(await (await fetch(`/samples/${index}`)).arrayBuffer());
}

async function sendOutputs(index, steps) {
  const answer = await fetch(`/outputs/${index}`, { method: "POST", body: writeOutputs(steps) });
  if (!answer.ok) throw new Error(`outputs were not taken: ${answer.status}`);
}
