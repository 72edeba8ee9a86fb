/** A real Chromium: whichever this machine has. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
const PLACES = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];
// Names that no machine has: an insecure origin, and another site.
const HOSTS = "MAP insecure.test 127.0.0.1, MAP elsewhere.test 127.0.0.1";
const QUIET = [
  "--no-sandbox",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
];

/** The path of a Chromium. Throws with the command that installs one. */
export function findChromium(): string {
  const { MODELPACK_CHROMIUM: chosen, PATH = "" } = process.env;
  if (chosen) return chosen;
  const folders = PATH.split(delimiter);
  const candidates = [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...PLACES];
  const found = candidates.find(isExecutable);
  if (found) return found;
  throw new Error(
    "the browser tests need a Chromium: `sudo apt-get install -y chromium`, or set MODELPACK_CHROMIUM to one",
  );
}

/** A browser without a profile of its own; each context that it opens is a new profile. */
export function launchChromium(...flags: readonly string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: [...QUIET, "--disable-sync", `--host-resolver-rules=${HOSTS}`, ...flags],
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
