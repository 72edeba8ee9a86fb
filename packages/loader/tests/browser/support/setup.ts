/** Once before all browser tests: packs from the builder, and the loader as it is published. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { findChromium } from "./chromium.ts";

const ROOT = fileURLToPath(new URL("../../../../../", import.meta.url));
const HERE = join(ROOT, "packages/loader/tests/browser");
/** Packs, the page's scripts and a copy of dist, which others may be rebuilding. */
export const STAGE: string = join(ROOT, "packages/loader/.browser");

/** What vitest calls as its global set-up. */
export async function setup(): Promise<void> {
  findChromium();
  mkdirSync(STAGE, { recursive: true });
  stageLoader();
  stagePacks();
  await build({
    entryPoints: [join(HERE, "page/harness.ts")],
    outfile: join(STAGE, "harness.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
  });
}

function stageLoader(): void {
  const target = join(STAGE, "loader");
  rmSync(target, { recursive: true, force: true });
  cpSync(join(ROOT, "packages/loader/dist"), target, { recursive: true });
}

function stagePacks(): void {
  const real = process.env["MODELPACK_REAL_MODELS"];
  const own = join(ROOT, ".venv/bin/python");
  const python = process.env["MODELPACK_PYTHON"] ?? (existsSync(own) ? own : "python3");
  const folders = [join(STAGE, "packs"), ...(real ? [real] : [])];
  try {
    execFileSync(python, [join(HERE, "make_packs.py"), ...folders], { cwd: ROOT, stdio: "inherit" });
  } catch (cause) {
    throw new Error("the packs could not be built: run `make setup`, or set MODELPACK_PYTHON", { cause });
  }
}
