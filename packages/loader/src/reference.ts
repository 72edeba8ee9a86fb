import { ModelpackError } from "./errors.ts";
import type { ModelRef, ModelReference } from "./types.ts";

/** The reference with its manifest's absolute URL. Throws USAGE if it names no model or cannot be resolved. */
export function resolveReference(ref: ModelRef, baseUrl: string | undefined): ModelReference {
  const { manifestUrl, model, sha256 } = typeof ref === "string" ? readText(ref) : ref;
  if (!model) throw usage(`"${manifestUrl}" names no model`, "write manifest.json#model");
  try {
    return { manifestUrl: new URL(manifestUrl, baseUrl).href, model, sha256 };
  } catch {
    throw usage(`"${manifestUrl}" is no address`, "give an absolute URL, or baseUrl");
  }
}

function readText(text: string): ModelReference {
  const hash = text.lastIndexOf("#");
  if (hash < 0) return { manifestUrl: text, model: "" };
  return { manifestUrl: text.slice(0, hash), model: decodeURIComponent(text.slice(hash + 1)) };
}

function usage(message: string, hint: string): ModelpackError {
  return new ModelpackError("USAGE", message, { hint });
}
