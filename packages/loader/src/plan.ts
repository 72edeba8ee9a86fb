/** A manifest, a device and what is stored → what a load will do. Nothing is downloaded for it but the manifest. */
import { abortable } from "./abort.ts";
import { detectDevice } from "./device.ts";
import { type Environment, openEnvironment } from "./environment.ts";
import type { Chunk, Model, Variant } from "./manifest.ts";
import { resolveReference } from "./reference.ts";
import { type Candidate, type Selection, select } from "./select.ts";
import { chunksOf, filesOf, runtimeFileId, transferBytes, variantFileIds } from "./sizes.ts";
import { type LoadedManifest, openManifest } from "./source.ts";
import type {
  DeviceFacts,
  LoadOptions,
  LoadPlan,
  ModelRef,
  ModelReference,
  VariantSummary,
} from "./types.ts";

/** A variant with its chunks, by whether they are stored. */
export interface PlannedVariant extends Candidate {
  /** The file of the runtime, which is among the chunks, where the pack has one. */
  readonly runtime: string | undefined;
  readonly missing: readonly Chunk[];
  readonly stored: readonly Chunk[];
}

export interface Planned extends LoadedManifest {
  readonly reference: ModelReference;
  readonly facts: DeviceFacts;
  readonly selection: Selection<PlannedVariant>;
}

/** What `load` would do with the same arguments. */
export async function plan<Types = unknown>(
  ref: ModelRef<Types>,
  options: LoadOptions<Types> = {},
): Promise<LoadPlan> {
  const environment = await openEnvironment(options);
  return describe(await planWith(resolveReference(ref, environment.baseUrl), environment));
}

/** The plan with everything that a load needs. */
export async function planWith(reference: ModelReference, environment: Environment): Promise<Planned> {
  const loaded = await openManifest(reference, environment);
  const { options, scope, signal } = environment;
  const withWebgpu = options.device !== "wasm" && loaded.model.variants.some(needsWebgpu);
  const facts = options.facts ?? (await detectDevice(scope, { withWebgpu, signal }));
  const keys = await storedKeys(environment);
  const candidates = loaded.model.variants.map((variant) => {
    const runtime = runtimeFileId(loaded.manifest, variant.device, options);
    const files = [...variantFileIds(variant), ...(runtime ? [runtime] : [])];
    const chunks = chunksOf(loaded.manifest, filesOf(loaded.manifest, files));
    const missing = chunks.filter((chunk) => !keys.has(chunk.hash));
    const stored = chunks.filter((chunk) => keys.has(chunk.hash));
    return { variant, runtime, missing, stored, missingBytes: transferBytes(missing) };
  });
  return { ...loaded, reference, facts, selection: select(candidates, facts, options) };
}

/** The keys of what is stored; none where the storage fails. */
export async function storedKeys({ keeper, signal }: Environment): Promise<ReadonlySet<string>> {
  const listed = keeper.store.list(signal).catch(() => []);
  const entries = await abortable(listed, signal);
  return new Set(entries.flatMap(({ key, sizeBytes }) => (sizeBytes ? [key] : [])));
}

/** The plan as callers see it. */
export function describe({ reference, facts, selection }: Planned): LoadPlan {
  const [first, ...others] = selection.order as [PlannedVariant, ...PlannedVariant[]];
  const missingDecodedBytes = decodedBytes(first.missing);
  return {
    model: reference.model,
    variant: summarize(first.variant),
    device: first.variant.device,
    why: selection.why,
    transferBytes: first.missingBytes,
    cachedBytes: decodedBytes(first.stored),
    requests: first.missing.length,
    fitsStorage: facts.storageBytes === undefined ? undefined : missingDecodedBytes <= facts.storageBytes,
    alternatives: others.map(({ variant }) => summarize(variant)),
    rejected: selection.rejected.map(({ variant, why }) => ({ variant: summarize(variant), why })),
  };
}

/** What callers see of a variant. */
export function summarize({ id, dtype, device, digest, size }: Variant): VariantSummary {
  return { id, dtype, device, digest, decodedBytes: size.decoded, transferBytes: size.transfer };
}

/** Names and shapes of a variant, which may differ from those of its model. */
export function metadataOf(model: Model, variant: Variant): Pick<Model, "inputs" | "outputs"> {
  return { inputs: variant.inputs ?? model.inputs, outputs: variant.outputs ?? model.outputs };
}

function needsWebgpu({ device, requires }: Variant): boolean {
  return device === "webgpu" || requires.webgpu !== undefined;
}

function decodedBytes(chunks: readonly Chunk[]): number {
  return chunks.reduce((total, chunk) => total + chunk.size, 0);
}
