/**
 * Times sentence models in onnxruntime-web's WebAssembly, one thread, in Node: one run of each in turn, so that other
 * work on the machine hits all alike. Prints each model's time over the first one's: the median of the turns' ratios, and
 * the ratio of the least times.
 *
 *     node benchmarks/bench_wasm_turns.mjs fp32/model.onnx shaped/model.onnx …
 *
 * Weights beside a model are read from the file of the same name that ends in `.data`.
 */

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import * as ort from "onnxruntime-web";

const LENGTHS = [8, 32, 128];
const TURNS = 24;
const REPEATS = 3; // of which the fastest counts

ort.env.wasm.numThreads = 1;
const folder = createRequire(import.meta.url).resolve("onnxruntime-web");
ort.env.wasm.wasmPaths = `${folder.slice(0, folder.lastIndexOf("/"))}/`;

const paths = process.argv.slice(2);
const sessions = [];
for (const path of paths) {
  const data = path.replace(/\.onnx$/, ".data");
  const externalData = existsSync(data) ? [{ path: basename(data), data: readFileSync(data) }] : [];
  sessions.push(await ort.InferenceSession.create(readFileSync(path), { externalData }));
}
for (const length of LENGTHS) {
  const times = await turns(feeds(length));
  for (const [index, path] of paths.entries()) {
    const ratios = times[index].map((time, turn) => time / times[0][turn]);
    const least = Math.min(...times[index]) / Math.min(...times[0]);
    console.log(`${length} tokens  ${path}  ${median(ratios).toFixed(3)}  ${least.toFixed(3)}`);
  }
}

/** The time of each session in each turn, in milliseconds. */
async function turns(given) {
  const times = sessions.map(() => []);
  for (const session of sessions) await session.run(given);
  for (let turn = 0; turn < TURNS; turn++) {
    for (let offset = 0; offset < sessions.length; offset++) {
      const index = (turn + offset) % sessions.length;
      times[index].push(await fastest(sessions[index], given));
    }
  }
  return times;
}

async function fastest(session, given) {
  let least = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const start = performance.now();
    await session.run(given);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** Tokens as BERT reads them; which ones they are makes no difference to the time. */
function feeds(length) {
  const tokens = (of) => new ort.Tensor("int64", BigInt64Array.from({ length }, of), [1, length]);
  return {
    input_ids: tokens((_, index) => BigInt(2000 + ((index * 7919) % 20000))),
    attention_mask: tokens(() => 1n),
    token_type_ids: tokens(() => 0n),
  };
}

function median(numbers) {
  return [...numbers].sort((one, other) => one - other)[numbers.length >> 1];
}
