// Fails if what a page loads is larger than the budget. Not counted: onnxruntime-web, and the zstd decoder.
import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 10_000;
const imported = /(?:from|import)\s*\(?"\.\/([^"]+)"/g;

export async function gzippedBytes(entries, folder = "dist") {
  const present = new Set(await readdir(folder));
  const names = new Set(entries);
  let total = 0;
  for (const name of names) {
    const content = await readFile(`${folder}/${name}`, "utf8");
    total += gzipSync(content.replace(/\n\/\/# sourceMappingURL=.*\n?$/, ""), { level: 9 }).length;
    for (const [, next] of content.matchAll(imported))
      if (present.has(next) && next !== "zstd.js") names.add(next);
  }
  return { total, names: [...names] };
}

const { total, names } = await gzippedBytes(["index.js", "worker.js"]);
console.log(`${total} bytes gzipped of ${BUDGET_BYTES}: ${names.join(", ")}`);
if (total > BUDGET_BYTES) process.exitCode = 1;
