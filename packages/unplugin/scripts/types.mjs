// Declarations refer to each other as published files, not as sources.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));

for (const name of (await readdir(DIST, { recursive: true })).filter((file) => file.endsWith(".d.ts"))) {
  const text = await readFile(DIST + name, "utf8");
  await writeFile(DIST + name, text.replace(/(from "\.{1,2}\/[^"]+)\.ts"/g, '$1.js"'));
}
