// One visit of a page that uses the model: load, first inference, later inferences, and the outputs of the golden set.
import { adapter } from "/bench/adapter.js";
import { heapBytes } from "/bench/heap.js";
import { readSample, writeOutputs } from "/bench/packs.js";

const { load, ModelpackError } = await import("/loader/index.js");

/** Measures one visit. What fails is given back as an error: exceptions lose their fields on the way out of the page. */
export async function visit(request) {
  try {
    return await measure(request);
  } catch (error) {
    const code = error instanceof ModelpackError ? error.code : "PAGE";
    return { error: { code, message: `${error?.message ?? error}` } };
  }
}

async function measure(request) {
  const { reference, samples, warmup, runs, seconds, judged, inPage } = request;
  const feeds = await Promise.all(Array.from({ length: samples }, (_, index) => fetchSample(index)));
  const began = performance.now();
  const model = await load(reference, options(request));
  const loaded = performance.now();
  const calls = endless(model, feeds);
  const [first, outputs] = await timed(calls);
  for (let run = 0; run < warmup; run++) await timed(calls);
  const later = [];
  const until = performance.now() + seconds * 1000;
  while (later.length < runs || performance.now() < until) later.push((await timed(calls))[0]);
  for (let index = 0; index < judged; index++) await sendOutputs(model, index);
  const tensors = await describe(model, feeds[0], outputs);
  const heap = inPage ? heapBytes() : await askWorker();
  await model.release();
  return { load: (loaded - began) / 1000, first, later, heap, tensors };
}

function options({ variant, device, threads, inPage }) {
  const module = device === "webgpu" ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs";
  const ort = `${location.origin}/ort/`;
  return {
    variant,
    fallback: false,
    runtime: { moduleUrl: ort + module, wasmPaths: ort, numThreads: threads },
    worker: inPage ? false : () => new Worker("/bench/worker.js", { type: "module", name: "modelpack" }),
    onWarning: () => undefined,
  };
}

/** The tensors of one call with their sizes, and which inputs the page can give away in place of copying them. */
async function describe(model, { state, steps }, outputs) {
  const given = structuredClone(steps[0]);
  const row = (role, table) =>
    Object.entries(table).map(([name, { data }]) => ({
      name,
      role,
      size: data.byteLength,
      transferable: false,
    }));
  const inputs = row("input", given);
  await runner(model, state)(given, { transfer: true });
  for (const input of inputs) input.transferable = given[input.name].data.byteLength === 0 && input.size > 0;
  return [...inputs, ...row("state", state), ...row("output", outputs)];
}

/** Calls of the model, one after the other: every step of every sample, and then from the beginning again. */
function* endless(model, feeds) {
  for (;;) {
    for (const { state, steps } of feeds) {
      const run = runner(model, state);
      for (const step of steps) yield () => run(step);
    }
  }
}

function runner(model, state) {
  const callee = Object.keys(state).length ? model.stream(state) : model;
  return (feeds, options) => callee.run(feeds, options);
}

async function timed(calls) {
  const call = calls.next().value;
  const began = performance.now();
  const outputs = await call();
  return [(performance.now() - began) / 1000, outputs];
}

async function fetchSample(index) {
  return readSample(await (await fetch(`/samples/${index}`)).arrayBuffer());
}

async function sendOutputs(model, index) {
  const { state, steps } = await fetchSample(index);
  const run = runner(model, state);
  const outputs = [];
  for (const step of steps) outputs.push(await run(step));
  const answer = await fetch(`/outputs/${index}`, { method: "POST", body: writeOutputs(outputs) });
  if (!answer.ok) throw new Error(`outputs were not taken: ${answer.status}`);
}

function askWorker() {
  const channel = new BroadcastChannel("modelpack-heap");
  return new Promise((resolve) => {
    channel.addEventListener("message", ({ data }) => resolve(data));
    channel.postMessage("size");
  }).finally(() => channel.close());
}

globalThis.bench = { visit, adapter };
