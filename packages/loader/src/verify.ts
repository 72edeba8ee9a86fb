import { abortable } from "./abort.ts";
import { ModelpackError } from "./errors.ts";

/** The SHA-256 of bytes as lower-case hexadecimal digits. */
export type Hasher = (bytes: Uint8Array<ArrayBuffer>, signal?: AbortSignal) => Promise<string>;

/** The hasher of this context, or undefined where `integrity` allows to go without; throws CHUNK_INTEGRITY otherwise. */
export function hasherOf(
  subtle: SubtleCrypto | undefined,
  integrity: "required" | "if-available",
): Hasher | undefined {
  if (subtle) return (bytes, signal) => abortable(sha256(bytes, subtle), signal);
  if (integrity === "if-available") return undefined;
  throw new ModelpackError("CHUNK_INTEGRITY", "nothing can be verified: this context has no crypto.subtle", {
    hint: "serve the page over https or from localhost",
  });
}

async function sha256(bytes: Uint8Array<ArrayBuffer>, subtle: SubtleCrypto): Promise<string> {
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
