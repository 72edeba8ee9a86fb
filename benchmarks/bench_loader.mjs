// Time to the first inference of one model with the same int8 weights: modelpack's loader, onnxruntime-web with one
// file, transformers.js as it comes and with the plain wasm runtime. Cold and after a reload, over two links. `kept` is
// the loader with a shared worker, which outlives the reload; `whole` has onnxruntime's WebAssembly in one file, which the
// bundler's plugin cuts in two.
//   node benchmarks/bench_loader.mjs <all-MiniLM-L6-v2.onnx, or "staged" for what is there> [rounds] [part of a link's name]
// Contenders take turns. With golden.jsonl and tokenizer.json beside the model, entropy-shaped weights run too. Nothing listens to the browser: pages time themselves and tell the site.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSite } from "./loader/site.mjs";
import { hasShaped, SITE, stage } from "./loader/stage.mjs";
import { openLink } from "./loader/throttle.mjs";

const LINKS = {
  "50 Mbit/s, 40 ms": { bitsPerSecond: 50e6, roundTripMs: 40 },
  "9 Mbit/s, 165 ms": { bitsPerSecond: 9e6, roundTripMs: 165 },
};
const CONTENDERS = ["modelpack", "whole", "kept", "shaped", "single", "transformers", "tuned"];
const VISITS = 3; // compiled code is kept after the first, and used whole from the third on
const LIMIT_MS = 180_000;
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--no-first-run",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-port=0", // keeps a headless browser open; nothing ever connects to it
];

// Linux shares the processor between sessions: what else the machine does should cost all contenders as little as may be.
try {
  writeFileSync("/proc/self/autogroup", "-17");
} catch {
  // Not root, or not Linux: figures are noisier.
}

const [modelPath, roundsGiven = "5", chosen = ""] = process.argv.slice(2);
if (!modelPath) throw new Error("give the path of all-MiniLM-L6-v2 as .onnx");
if (modelPath !== "staged") await stage(modelPath);

const removeLater = [];

const contenders = CONTENDERS.filter((name) => name !== "shaped" || hasShaped());
for (const [name, link] of Object.entries(LINKS).filter(([name]) => name.includes(chosen))) {
  const found = Object.fromEntries(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < Number(roundsGiven); round += 1) {
    for (const contender of contenders) found[contender].push(await visit(contender, link));
  }
  print(name, found);
}

for (const profile of removeLater) {
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries: 9, retryDelay: 200 });
  } catch {
    // A child of the browser still writes to it; it is in the temporary folder.
  }
}

/** Milliseconds to the first output of a first visit and of two reloads, in a new profile. */
async function visit(contender, link) {
  const reports = [];
  const bytes = [];
  let finish;
  const finished = new Promise((resolve, reject) => {
    finish = resolve;
    setTimeout(reject, LIMIT_MS, new Error(`${contender}: nothing in ${LIMIT_MS} ms`)).unref();
  });
  const site = await openSite(SITE, (report) => {
    if (report.error) console.error(contender, report.error);
    reports.push(report);
    bytes.push(site.sentBytes);
    if (reports.length < VISITS && !report.error) return "reload";
    finish();
    return "done";
  });
  const proxy = await openLink(site.port, link);
  const profile = mkdtempSync(join(tmpdir(), "modelpack-bench-"));
  const url = `http://127.0.0.1:${proxy.port}/${contender}/index.html`;
  const browser = spawn(
    process.env.MODELPACK_CHROMIUM ?? "chromium",
    [...FLAGS, `--user-data-dir=${profile}`, url],
    { stdio: "ignore" },
  );
  try {
    await finished;
  } finally {
    browser.kill();
    await new Promise((resolve) => browser.once("exit", resolve));
    proxy.close();
    site.close();
    removeLater.push(profile); // the browser's last children still write to it
  }
  const [cold, warm, later] = reports;
  return {
    coldMs: Number(cold.ms),
    warmMs: Number(warm?.ms),
    laterMs: Number(later?.ms),
    first: cold.first,
    blockedMs: Number(cold.blocked),
    coldBytes: bytes[0],
  };
}

/** Of each contender its medians, and ours, in a shared worker and with shaped weights, divided by them. */
function print(name, found) {
  console.log(`\n${name}`);
  const ours = [found.modelpack, found.kept, found.shaped].map((visits) => visits && medians(visits));
  for (const [contender, visits] of Object.entries(found)) {
    const { coldMs, warmMs, laterMs, coldBytes, blockedMs } = medians(visits);
    const against = (key, milliseconds) =>
      ours.flatMap((own) => (own ? [(own[key] / milliseconds).toFixed(2)] : [])).join(" · ");
    const figures = [
      `cold ${Math.round(coldMs)} ms (ours, kept, shaped ÷ it ${against("coldMs", coldMs)})`,
      `reload ${Math.round(warmMs)} ms (${against("warmMs", warmMs)})`,
      `again ${Math.round(laterMs)} ms (${against("laterMs", laterMs)})`,
      `${(coldBytes / 1e6).toFixed(1)} MB cold, page blocked for ${Math.round(blockedMs)} ms`,
      `first output ${visits[0].first}`,
    ];
    console.log(`${contender.padEnd(14)} ${figures.join(" · ")}`);
  }
}

function medians(visits) {
  const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
  return Object.fromEntries(
    ["coldMs", "warmMs", "laterMs", "coldBytes", "blockedMs"].map((key) => [
      key,
      median(visits.map((visit) => visit[key])),
    ]),
  );
}
