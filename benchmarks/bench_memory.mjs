// Memory and time of a session with 350 MB of weights: by the loader, inside the .onnx, and beside it in each form that
// onnxruntime-web takes, for each of its builds. Linux: the tab's peak is what the kernel counted for its process.
//   node benchmarks/bench_memory.mjs [rounds]
import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSite } from "./loader/site.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const WORK = join(ROOT, "benchmarks/.loader/large");
const SITE = join(WORK, "site");
const PYTHON = process.env.MODELPACK_PYTHON ?? join(ROOT, ".venv/bin/python");
const LIMIT_MS = 120_000;
const BUILDS = ["wasm", "webgpu", "jspi"];
const CASES = [
  ["loader", "worker"],
  ["loader", "page"],
  ...["inside", "buffer", "blob", "opfs"].flatMap((way) => BUILDS.map((build) => [way, build])),
];
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--no-first-run",
  "--disable-quic",
  "--disable-background-networking",
];
const MORE_FLAGS = ["--disable-component-update", "--disable-sync", "--remote-debugging-port=0"];

stage();
const rounds = Number(process.argv[2] ?? 3);
const found = new Map(CASES.map((each) => [each.join(" "), []]));
for (let round = 0; round < rounds; round += 1) {
  for (const [way, build] of CASES) found.get(`${way} ${build}`).push(await visit(way, build));
}
for (const [name, visits] of found) {
  const median = (key) => visits.map((each) => each[key]).sort((a, b) => a - b)[visits.length >> 1];
  const megabytes = (key) => `${Math.round(median(key) / 1e6)} MB`;
  const times = `${Math.round(median("ms"))} ms, create ${Math.round(median("createMs"))} ms`;
  console.log(
    `${name.padEnd(15)} peak ${megabytes("peak")} · afterwards ${megabytes("steady")} · heap ${megabytes("heap")} · ${times} · ${visits[0].first ?? visits[0].error}`,
  );
}

function stage() {
  if (!existsSync(join(SITE, "packs/manifest.json"))) {
    const project = join(WORK, "project");
    execFileSync(PYTHON, [join(ROOT, "benchmarks/loader/large.py"), project, join(SITE, "model.onnx")]);
    execFileSync(PYTHON, ["-m", "modelpack", "build", "-q", "-C", project], { cwd: ROOT, stdio: "inherit" });
    cpSync(join(project, "packs"), join(SITE, "packs"), { recursive: true });
  }
  mkdirSync(join(SITE, "page"), { recursive: true });
  cpSync(join(ROOT, "benchmarks/loader/pages/large.mjs"), join(SITE, "page/large.mjs"));
  cpSync(join(ROOT, "packages/loader/dist"), join(SITE, "loader"), { recursive: true });
  cpSync(join(ROOT, "node_modules/onnxruntime-web/dist"), join(SITE, "ort"), {
    recursive: true,
    filter: (path) => !/\.(map|cjs)$|ort\.(all|webgl|node|min\.js)/.test(path),
  });
  writeFileSync(
    join(SITE, "index.html"),
    '<!doctype html><meta charset="utf-8"><script type="module" src="/page/large.mjs"></script>',
  );
}

async function visit(way, build) {
  let finish;
  const finished = new Promise((resolve) => {
    finish = resolve;
    setTimeout(resolve, LIMIT_MS, { error: `nothing in ${LIMIT_MS} ms` }).unref();
  });
  const site = await openSite(SITE, (report) => {
    finish(report);
    return "";
  });
  const profile = mkdtempSync(join(tmpdir(), "modelpack-bench-"));
  const url = `http://127.0.0.1:${site.port}/index.html?way=${way}&build=${build}`;
  const command = process.env.MODELPACK_CHROMIUM ?? "chromium";
  const browser = spawn(command, [...FLAGS, ...MORE_FLAGS, `--user-data-dir=${profile}`, url], {
    stdio: "ignore",
  });
  const { ms, createMs, heap, first, error } = await finished;
  const tab = largestTab(profile);
  browser.kill();
  await new Promise((resolve) => browser.once("exit", resolve));
  site.close();
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  } catch {
    // A child of the browser still writes to it; it is in the temporary folder.
  }
  const [milliseconds, creation, bytes] = [ms, createMs, heap].map(Number);
  return { ...tab, ms: milliseconds, createMs: creation, heap: bytes, first, error };
}

/** Peak and present bytes of the process that had most: the tab. */
function largestTab(profile) {
  const tabs = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1];
      if (!command.includes("--type=renderer") || !isBelow(parent, profile)) continue;
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const kilobytes = (field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)[1]);
      tabs.push({ peak: kilobytes("VmHWM") * 1024, steady: kilobytes("VmRSS") * 1024 });
    } catch {
      // It ended meanwhile.
    }
  }
  return tabs.sort((one, other) => other.peak - one.peak)[0] ?? { peak: Number.NaN, steady: Number.NaN };
}

function isBelow(pid, profile) {
  for (let current = pid; current !== "1" && current !== "0"; ) {
    if (readFileSync(`/proc/${current}/cmdline`, "utf8").includes(profile)) return true;
    current = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${current}/status`, "utf8"))[1];
  }
  return false;
}
