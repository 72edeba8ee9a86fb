// Builds the pack of ../digits with the modelpack that is at hand: one on the PATH, or this repository's.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const project = fileURLToPath(new URL("../../digits", import.meta.url));
const own = fileURLToPath(new URL("../../../.venv/bin/modelpack", import.meta.url));
const { MODELPACK_PYTHON: python } = process.env;
const [command, ...first] = python ? [python, "-m", "modelpack"] : [existsSync(own) ? own : "modelpack"];
const { status, error } = spawnSync(command, [...first, "build", "-C", project], { stdio: "inherit" });
if (error)
  console.error("modelpack is not installed: pip install modelpack, or `make setup` in this repository");
process.exitCode = error ? 1 : (status ?? 1);
