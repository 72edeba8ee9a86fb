/** Programs in folders and on the PATH. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

export const WINDOWS = process.platform === "win32";
// Enough for a first line, and for the few lines of the scripts that package managers write.
const HEAD_BYTES = 2048;
const NODE_FIRST_LINE = /^#!.*\bnode\b/;
const PACKAGE_MANAGERS = /node_modules[\\/]modelpack[\\/]/;

/**
 * The file name of a program. Python's are .exe on Windows, and npm's .cmd.
 *
 * @type {(name: string) => string}
 */
export function executable(name) {
  return WINDOWS ? `${name}.exe` : name;
}

/**
 * Whether this is a file that may be executed.
 *
 * @type {(path: string) => boolean}
 */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * All programs of this name on the PATH, in its order.
 *
 * @type {(name: string, env: Readonly<Record<string, string | undefined>>) => readonly string[]}
 */
export function onPath(name, env) {
  const folders = (env["PATH"] ?? env["Path"] ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, executable(name))).filter(isExecutable);
}

/**
 * Whether the file is run by Node: itself, or as the script that npm or pnpm puts before it.
 *
 * @type {(path: string) => boolean}
 */
export function isNodeScript(path) {
  const head = headOf(path);
  return NODE_FIRST_LINE.test(head) || PACKAGE_MANAGERS.test(head);
}

/** @type {(path: string) => string} */
function headOf(path) {
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(HEAD_BYTES);
    return bytes.toString("latin1", 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}
