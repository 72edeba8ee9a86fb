/** Once before all browser tests: packs from the builder, and the loader as it is published. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { findChromium } from "./chromium.ts";

const ROOT = fileURLToPath(new URL("../../../../../", import.meta.url));
const HERE = join(ROOT, "packages/loader/tests/browser");
/** Packs, the page's scripts and a copy of dist, which others may be rebuilding. */
export const STAGE: string = join(ROOT, "packages/loader/.browser");

export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** A certificate that signs itself, made for this run; undefined where there is no openssl. */
export function selfSigned(): Certificate | undefined {
  const [key, cert] = [join(STAGE, "key.pem"), join(STAGE, "cert.pem")];
  return existsSync(cert) ? { key: readFileSync(key), cert: readFileSync(cert) } : undefined;
}

/** What vitest calls as its global set-up. */
export async function setup(): Promise<void> {
  findChromium();
  mkdirSync(STAGE, { recursive: true });
  stageLoader();
  stagePacks();
  stageCertificate();
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

function stageCertificate(): void {
  const kind =
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1";
  try {
    const files = ["-keyout", join(STAGE, "key.pem"), "-out", join(STAGE, "cert.pem")];
    execFileSync("openssl", [...kind.split(" "), ...files], { stdio: "ignore" });
  } catch {
    rmSync(join(STAGE, "cert.pem"), { force: true }); // tests that need one are skipped
  }
}
