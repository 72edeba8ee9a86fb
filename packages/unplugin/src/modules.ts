/** The code of the modules that pages import. */
import { PluginError } from "./failure.ts";
import type { Load, Pack } from "./pack.ts";
import type { AddressOf } from "./placement.ts";

/** What `import "modelpack:<name>"` begins with. */
export const SCHEME = "modelpack:";
/** The same for bundlers that know schemes and would ask who reads this one. */
export const ALIAS = "~modelpack/";
/** The name of the module that fetches models before they are asked for. No model can have it: theirs have no colon. */
export const HINTS = ":hints";

export interface ModuleContext {
  readonly pack: Pack;
  /** The pack's folder in the output. */
  readonly packPath: string;
  readonly addressOf: AddressOf;
  /** Whether nothing else fetches the model before it is asked for. */
  readonly fetchesItself: boolean;
}

/** The module of a model: its pinned reference. Throws PluginError if there is no such model. */
export function referenceModule(
  model: string,
  { pack, packPath, addressOf, fetchesItself }: ModuleContext,
): string {
  const found = Object.hasOwn(pack.models, model) ? pack.models[model] : undefined;
  if (!found) {
    const known = Object.keys(pack.models).sort().join(", ");
    throw new PluginError(`modelpack.toml has no model "${model}"`, `it has ${known}`);
  }
  const manifestUrl = addressOf(`${packPath}/${pack.manifestName}`);
  const rest = JSON.stringify({ sha256: pack.sha256, model }).slice(1);
  const reference = `const reference = Object.freeze({ "manifestUrl": ${manifestUrl}, ${rest});\n`;
  const hint = fetchesItself ? hintCode([["reference", found.load]]) : "";
  return `${reference}${hint}export default reference;\n`;
}

/** The module of the hints for all models. */
export function hintsModule({ models }: Pack): string {
  const wanted = Object.entries(models).filter(([, { load }]) => load !== "lazy");
  const imports = wanted.map(
    ([id], position) => `import model${position} from ${JSON.stringify(SCHEME + id)};\n`,
  );
  return imports.join("") + hintCode(wanted.map(([, { load }], position) => [`model${position}`, load]));
}

/** Fetches eager models at once, and idle ones when the page has loaded and has nothing to do. */
function hintCode(references: readonly (readonly [name: string, load: Load])[]): string {
  const named = (wanted: Load): string =>
    references
      .filter(([, load]) => load === wanted)
      .map(([name]) => name)
      .join(", ");
  const [eager, idle] = [named("eager"), named("idle")];
  return (eager && eagerCode(eager)) + (idle && idleCode(idle));
}

// Whoever loads the model is told what went wrong.
const QUIETLY = "catch(() => undefined)";
// A page with an eager model likely loads it at once. As many chunks as fit beside onnxruntime, which arrives meanwhile:
// with six the first output took 1.05 × the time (50 Mbit/s, 40 ms).
const CHUNKS_BESIDE_RUNTIME = 3;

function eagerCode(names: string): string {
  return `import { preload } from "@modelpack/loader";
const options = { concurrency: ${CHUNKS_BESIDE_RUNTIME} };
if (globalThis.document) for (const each of [${names}]) preload(each, options).${QUIETLY};
`;
}

/** Visitors who save data are not made to fetch what they may never use. */
function idleCode(names: string): string {
  return `const begin = async () => {
  const { preload } = await import("@modelpack/loader");
  for (const each of [${names}]) preload(each).${QUIETLY};
};
const whenIdle = () => (globalThis.requestIdleCallback ?? setTimeout)(begin);
if (globalThis.document && !navigator.connection?.saveData) {
  if (document.readyState === "complete") whenIdle();
  else addEventListener("load", whenIdle, { once: true });
}
`;
}
