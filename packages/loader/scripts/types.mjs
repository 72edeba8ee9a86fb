// Declarations refer to each other as published files, not as sources; and only those that are reached are kept.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const ENTRIES = ["index", "node", "transformers", "worker", "zstd", "zstd-worker"];

const reached = new Set(ENTRIES.map((name) => `${name}.d.ts`));
for (const name of reached) {
  const text = await readFile(DIST + name, "utf8");
  for (const [, imported] of text.matchAll(/from "\.\/([^"]+)\.ts"/g)) reached.add(`${imported}.d.ts`);
  await writeFile(DIST + name, text.replace(/(from "\.\/[^"]+)\.ts"/g, '$1.js"'));
}
for (const name of await readdir(DIST))
  if (name.endsWith(".d.ts") && !reached.has(name)) await rm(DIST + name);
