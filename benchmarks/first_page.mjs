// Runs docs/guide/first-page.md in an empty folder, block by block, as somebody would who types it, and opens the page.
// node benchmarks/first_page.mjs: prints the seconds of each command and what was typed. Until modelpack is on PyPI and npm,
// this repository's own packages stand in for the published ones; `npm run build` has to have run.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SERVER = "npx vite preview";
const folder = mkdtempSync(join(tmpdir(), "first-page-"));
const { MODELPACK: _, MODELPACK_PYTHON: __, ...rest } = process.env;
const env = { ...rest, CI: "true", NO_COLOR: "1", npm_config_yes: "true" };

// npm's own form of what would be published.
function packed(name) {
  const args = ["pack", "--silent", "--pack-destination", folder, join(ROOT, "packages", name)];
  return join(folder, execFileSync("npm", args, { encoding: "utf8", env }).trim().split("\n").at(-1));
}

const STAND_INS = [
  ["~/Downloads/digits.onnx", join(ROOT, "examples/digits/models/digits.onnx")],
  ["pip install modelpack", `pip install --quiet ${ROOT}`],
  ["@modelpack/loader onnx", `${packed("loader")} onnx`],
  ["@modelpack/unplugin modelpack", `${packed("unplugin")} ${packed("cli")}`],
];

const guide = readFileSync(join(ROOT, "docs/guide/first-page.md"), "utf8");
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```/gms)].map(([, language, text]) => ({
  language,
  text,
}));
const rows = [];
let place = folder;

function run(line) {
  if (line.startsWith("cd ")) {
    place = join(place, line.slice(3));
    return;
  }
  const command = STAND_INS.reduce((text, [published, own]) => text.replace(published, own), line);
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(command, { cwd: place, env, shell: true, encoding: "utf8" });
  if (status !== 0) throw new Error(`${line}\n${stdout}${stderr}`);
  rows.push([line, (performance.now() - began) / 1000]);
}

function write(text) {
  const [, name] = /^\/\/ (\S+)/.exec(text);
  mkdirSync(dirname(join(place, name)), { recursive: true });
  writeFileSync(join(place, name), text);
}

async function open() {
  const server = spawn("npx", ["vite", "preview", "--port", "0"], { cwd: place, env, detached: true });
  const executablePath = env.MODELPACK_CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    const address = await new Promise((resolve, reject) => {
      server.once("exit", () => reject(new Error("vite preview ended")));
      let said = "";
      server.stdout.on("data", (text) => {
        said += text;
        const [found] = /http:\/\/localhost:\d+\//.exec(said) ?? [];
        if (found) resolve(found);
      });
    });
    const page = await browser.newPage();
    const began = performance.now();
    await page.goto(address);
    await page.getByText("the digit is").waitFor({ timeout: 120_000 });
    rows.push([`(the page opens: “${await page.textContent("body")}”)`, (performance.now() - began) / 1000]);
  } finally {
    await browser.close();
    process.kill(-server.pid);
  }
}

for (const { language, text } of blocks) {
  if (language !== "sh") write(text);
  else
    for (const line of text
      .trim()
      .split("\n")
      .filter((each) => each !== SERVER))
      run(line);
}
await open();

const lines = blocks
  .flatMap(({ text }) => text.trim().split("\n"))
  .filter((line) => line && !line.startsWith("//"));
for (const [line, seconds] of rows) console.log(`${seconds.toFixed(1).padStart(7)} s  ${line}`);
const total = rows.reduce((sum, [, seconds]) => sum + seconds, 0);
console.log(
  `${total.toFixed(1).padStart(7)} s  in all; typed: ${lines.length} lines, ${lines.join("\n").length} characters`,
);
