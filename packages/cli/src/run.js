/** One command in place of this process, as far as Node allows. */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** @import { Command } from "./index.js" */
/** @typedef {import("node:child_process").ChildProcess} ChildProcess */

const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/**
 * Runs it with this process's input, output and signals, and ends as it ends.
 *
 * @type {(command: Command, args: readonly string[]) => Promise<void>}
 */
export async function runThrough({ program, args: first }, args) {
  // Listened to first: a signal between the two would end us and leave the child behind. What comes is heard when both are done.
  for (const signal of SIGNALS) process.on(signal, () => void (isTold(signal) || child.kill(signal)));
  const child = spawn(program, [...first, ...args], { stdio: "inherit" });
  await ended(child).then(
    ([code, signal]) => endAs(code, signal),
    (error) => {
      process.stderr.write(
        `modelpack: ${program} cannot be run (${error.code}); set MODELPACK to where it is\n`,
      );
      process.exitCode = 126;
    },
  );
}

/**
 * A terminal interrupts the child as well as us; a second time would be once too often.
 *
 * @type {(signal: NodeJS.Signals) => boolean}
 */
function isTold(signal) {
  return signal === "SIGINT" && [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
}

/** @type {(child: ChildProcess) => Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>} */
function ended(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve([code, signal]));
  });
}

/**
 * By the same signal, so that shells and npm know what happened; where that does not end us, by its number.
 *
 * @type {(code: number | null, signal: NodeJS.Signals | null) => void}
 */
function endAs(code, signal) {
  process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
  if (!signal) return;
  for (const each of SIGNALS) process.removeAllListeners(each);
  process.kill(process.pid, signal);
}
