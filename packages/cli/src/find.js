/** Where the Python tool is. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { executable, isExecutable, isNodeScript, onPath, WINDOWS } from "./executables.js";
import { foldersUpward } from "./folders.js";

/** @import { Command, Place } from "./index.js" */

export const NOT_FOUND =
  "the Python tool is not installed; run `pip install modelpack` (Python 3.10 or newer), " +
  "or set MODELPACK to where it is";

const VIRTUAL_ENVIRONMENTS = [".venv", "venv"];
// A folder called modelpack would pass for the package; one without __main__ is none.
const HAS_MODELPACK =
  "import importlib.util as u, sys; sys.exit(u.find_spec('modelpack') is None or u.find_spec('modelpack.__main__') is None)";
// What cannot say within this whether it has modelpack does not have it.
const PROBE_LIMIT_MS = 30_000;
// Under this exact version: the version decides the published bytes.
const PUBLISHED = "modelpack==0.1.0";

/**
 * The Python tool, from the first of these that has it:
 *
 * 1. MODELPACK, the path of the tool, or MODELPACK_PYTHON, that of a Python which has it
 * 2. `.venv` or `venv` in this folder or one above, as far as the repository goes
 * 3. the PATH
 * 4. `python -m modelpack`
 * 5. `uvx`, which fetches it
 *
 * @param {Place} [place]
 * @returns {Command | undefined}
 */
export function findModelpack({ folder = process.cwd(), env = process.env } = {}) {
  return named(env) ?? inProject(folder) ?? installed(env) ?? asModule(folder, env) ?? fetched(env);
}

/** @type {(env: NonNullable<Place["env"]>) => Command | undefined} */
function named(env) {
  const { MODELPACK: tool, MODELPACK_PYTHON: python } = env;
  if (tool) return { program: tool, args: [] };
  return python ? { program: python, args: ["-m", "modelpack"] } : undefined;
}

/** @type {(folder: string) => Command | undefined} */
function inProject(folder) {
  const scripts = WINDOWS ? "Scripts" : "bin";
  const program = foldersUpward(folder)
    .flatMap((each) => VIRTUAL_ENVIRONMENTS.map((name) => join(each, name, scripts, executable("modelpack"))))
    .find(isExecutable);
  return program ? { program, args: [] } : undefined;
}

/** @type {(env: NonNullable<Place["env"]>) => Command | undefined} */
function installed(env) {
  // npm puts this very script on the PATH.
  const program = onPath("modelpack", env).find((path) => !isNodeScript(path));
  return program ? { program, args: [] } : undefined;
}

/** @type {(folder: string, env: NonNullable<Place["env"]>) => Command | undefined} */
function asModule(folder, env) {
  const program = ["python3", "python", ...(WINDOWS ? ["py"] : [])]
    .flatMap((name) => onPath(name, env).slice(0, 1))
    .find((python) => {
      const options = { cwd: folder, timeout: PROBE_LIMIT_MS, stdio: /** @type {const} */ ("ignore") };
      return spawnSync(python, ["-c", HAS_MODELPACK], options).status === 0;
    });
  return program ? { program, args: ["-m", "modelpack"] } : undefined;
}

/** @type {(env: NonNullable<Place["env"]>) => Command | undefined} */
function fetched(env) {
  const [program] = onPath("uvx", env);
  return program ? { program, args: ["--from", PUBLISHED, "modelpack"] } : undefined;
}
