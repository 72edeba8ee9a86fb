// Copies the page and the packed models to dist/, and pins the manifest. Refuses to finish if a chunk is not as the manifest says.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const models = join(here, "public", "models");
const dist = join(here, "dist");

const manifestBytes = await readFile(join(models, "manifest.json"));
const manifest = JSON.parse(manifestBytes.toString("utf8"));
for (const chunk of manifest.chunks) {
  const [extension, expected] = storedForm(chunk);
  const name = manifest.delivery.chunkUrl.replace("{hash}", chunk.hash).replace("{ext}", extension);
  const { size } = await stat(join(models, manifest.delivery.base, name));
  if (size !== expected) throw new Error(`${name} has ${size} bytes; the manifest says ${expected}`);
}

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
await cp(join(here, "public"), dist, { recursive: true });
const page = await readFile(join(here, "index.html"), "utf8");
const pin = createHash("sha256").update(manifestBytes).digest("hex");
await writeFile(join(dist, "index.html"), page.replace("%MANIFEST_SHA256%", pin));
console.log(`dist/index.html pins manifest ${pin.slice(0, 12)}`);

// A static host gets one form of each chunk; the loader undoes gzip and zstd itself.
function storedForm({ size, enc = {} }) {
  if (enc.gzip !== undefined) return [".g.bin", enc.gzip];
  if (enc.zstd !== undefined) return [".z.bin", enc.zstd];
  return [".bin", size];
}
