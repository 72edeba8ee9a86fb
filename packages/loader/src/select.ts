/** Device facts and a manifest's variants → the order in which to try them. Pure. */
import { ModelpackError } from "./errors.ts";
import type { Requires, Variant } from "./manifest.ts";
import type { DeviceFacts, LoadOptions } from "./types.ts";

/** The devices that variants may be for. */
export const DEVICES: readonly string[] = ["wasm", "webgpu", "webnn"];

/** A variant, with what of it must be fetched. */
export interface Candidate {
  readonly variant: Variant;
  readonly missingBytes: number;
}

export interface Selection<T extends Candidate> {
  /** At least one; the first is to be loaded, the others are what a failure steps down to. */
  readonly order: readonly T[];
  readonly why: string;
  readonly rejected: readonly { readonly variant: Variant; readonly why: string }[];
}

export type Wishes = Pick<LoadOptions, "device" | "dtype" | "variant" | "prefer" | "maxDownloadBytes">;

/** The order of the candidates that fit, by `prefer`; ties in the manifest's order. Throws NO_VARIANT. */
export function select<T extends Candidate>(
  candidates: readonly T[],
  facts: DeviceFacts,
  wishes: Wishes,
): Selection<T> {
  const rejected: { variant: Variant; why: string }[] = [];
  const fitting = candidates.filter((candidate) => {
    const why = refusal(candidate, facts, wishes);
    if (why) rejected.push({ variant: candidate.variant, why });
    return !why;
  });
  if (!fitting.length) {
    const reasons = rejected.map(({ variant, why }) => `${variant.id}: ${why}`).join("; ");
    throw new ModelpackError("NO_VARIANT", `no variant can be used here (${reasons})`, {
      hint: "build one for this device, such as one for wasm without requirements",
    });
  }
  return { ...inOrder(fitting, wishes.prefer ?? "cached"), rejected };
}

function inOrder<T extends Candidate>(
  fitting: readonly T[],
  prefer: string,
): Pick<Selection<T>, "order" | "why"> {
  if (prefer === "smallest") {
    const order = [...fitting].sort((a, b) => a.variant.size.transfer - b.variant.size.transfer);
    return { order, why: "the smallest that this device can run" };
  }
  const stored = prefer === "cached" ? fitting.filter((candidate) => candidate.missingBytes === 0) : [];
  const order = [...stored, ...fitting.filter((candidate) => !stored.includes(candidate))];
  return {
    order,
    why: stored.length ? "it is stored already" : "the first of the manifest that this device can run",
  };
}

/** Why the candidate is out of the question, or undefined. */
function refusal(
  { variant, missingBytes }: Candidate,
  facts: DeviceFacts,
  wishes: Wishes,
): string | undefined {
  const { device = "auto", dtype, variant: id, maxDownloadBytes = Number.POSITIVE_INFINITY } = wishes;
  if (id !== undefined && variant.id !== id) return `asked for ${id}`;
  if (dtype !== undefined && variant.dtype !== dtype) return `asked for ${dtype}`;
  if (variant.runtime !== "onnxruntime-web") return `it is for ${variant.runtime}`;
  if (!DEVICES.includes(variant.device)) return `${variant.device} is not supported`;
  if (device !== "auto" && variant.device !== device) return `asked for ${device}`;
  if (missingBytes > maxDownloadBytes)
    return `${missingBytes} bytes are missing, more than ${maxDownloadBytes}`;
  if (variant.device === "webgpu" && !facts.webgpu) return "no WebGPU here";
  if (variant.device === "webnn" && !facts.webnn) return "no WebNN here";
  return unmet(variant.requires, facts);
}

/** The first requirement that is not met. What is unknown counts as met, WebGPU excepted. */
function unmet(
  { webgpu, wasm, deviceMemoryGB, storageBytes }: Requires,
  facts: DeviceFacts,
): string | undefined {
  if (webgpu) {
    if (!facts.webgpu) return "no WebGPU here";
    const feature = webgpu.features.find((name) => !facts.webgpu?.features.includes(name));
    if (feature) return `WebGPU lacks ${feature}`;
    for (const [name, least] of webgpu.limits) {
      const limit = facts.webgpu.limits[name] ?? 0;
      if (limit < least) return `WebGPU's ${name} is ${limit}, less than ${least}`;
    }
  }
  const instruction = facts.wasm && wasm.find((name) => !facts.wasm?.includes(name));
  if (instruction) return `WebAssembly lacks ${instruction}`;
  if (isLess(facts.deviceMemoryGB, deviceMemoryGB)) return `less than ${deviceMemoryGB} GB of memory`;
  return isLess(facts.storageBytes, storageBytes) ? `less than ${storageBytes} bytes of storage` : undefined;
}

function isLess(found: number | undefined, needed: number | undefined): boolean {
  return found !== undefined && needed !== undefined && found < needed;
}
