#!/usr/bin/env node
import { findModelpack, NOT_FOUND } from "../src/find.js";
import { runThrough } from "../src/run.js";

const found = findModelpack();
if (found) {
  await runThrough(found, process.argv.slice(2));
} else {
  process.stderr.write(`modelpack: ${NOT_FOUND}\n`);
  process.exitCode = 127; // what a shell says of a command that it does not find
}
