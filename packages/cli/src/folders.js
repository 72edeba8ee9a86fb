/** How far a project goes. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * This folder and those above it that belong to the same project, the nearest first: as far as the nearest `.git`, else as
 * far as the outermost `package.json`. What lies further up may be somebody else's, and is not run.
 *
 * @type {(folder: string) => readonly string[]}
 */
export function foldersUpward(folder) {
  const all = ancestors(resolve(folder));
  const has = (/** @type {string} */ name) => (/** @type {string} */ each) => existsSync(join(each, name));
  const repository = all.findIndex(has(".git"));
  const end = repository >= 0 ? repository : all.findLastIndex(has("package.json"));
  return all.slice(0, Math.max(end, 0) + 1);
}

/** @type {(folder: string) => string[]} */
function ancestors(folder) {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...ancestors(above)];
}
