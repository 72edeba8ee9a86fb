/**
 * What must hold between the fields of a manifest.
 * 1. Chunks are distinct, and stored ones have one form that a page can decode. 2. Parts add up to files.
 * 3. Every reference has its file, every file a use, every chunk a file. 4. Names are unique.
 * 5. Sizes are those that follow from the files.
 */
import type { Manifest, ManifestFile, Model, Variant } from "./manifest.ts";
import { fileChunks, variantChunks, variantFileIds } from "./sizes.ts";

/** Throws an Error that names the first rule that does not hold. */
export function checkRules(manifest: Manifest): void {
  checkChunks(manifest);
  for (const [id, file] of manifest.files) checkFile(id, file);
  checkReferences(manifest);
  for (const [id, model] of manifest.models) checkModel(manifest, `models.${id}`, model);
}

/** Rule 1. */
function checkChunks({ chunks, delivery }: Manifest): void {
  checkUnique(
    "chunks",
    chunks.map((chunk) => chunk.hash),
  );
  if (delivery.mode === "transport") return;
  chunks.forEach(({ enc }, position) => {
    if (enc.br || (enc.gzip && enc.zstd))
      throw new Error(`chunks[${position}].enc: a stored chunk has one form, gzip or zstd`);
  });
}

/** Rule 2. */
function checkFile(id: string, file: ManifestFile): void {
  checkFigure(`files.${id}.size`, file.size, sum(file.parts.map((part) => part.length)));
}

/** Rule 3. */
function checkReferences({ chunks, files, models, runtime }: Manifest): void {
  const named = new Set<string>(runtime?.builds.values());
  for (const model of models.values()) {
    for (const id of model.assets.values()) named.add(id);
    for (const variant of model.variants) for (const id of variantFileIds(variant)) named.add(id);
  }
  for (const id of named)
    if (!files.has(id)) throw new Error(`${id} is referred to, but files does not list it`);
  for (const id of files.keys()) if (!named.has(id)) throw new Error(`files.${id}: nothing refers to it`);
  const used = fileChunks([...files.values()]);
  if (used.length < chunks.length) throw new Error("chunks: some are part of no file");
}

/** Rules 3, 4 and 5. */
function checkModel(manifest: Manifest, where: string, model: Model): void {
  const inputs = checkUnique(`${where}.inputs`, names(model.inputs));
  const outputs = checkUnique(`${where}.outputs`, names(model.outputs));
  for (const { input, output } of model.state) {
    if (!inputs.has(input) || !outputs.has(output))
      throw new Error(`${where}.state: ${input} or ${output} is unknown`);
  }
  checkUnique(
    `${where}.variants`,
    model.variants.map((variant) => variant.id),
  );
  if (!model.variants.length) throw new Error(`${where}.variants is empty`);
  for (const variant of model.variants) checkVariant(manifest, `${where}.variants.${variant.id}`, variant);
}

function checkVariant(manifest: Manifest, where: string, variant: Variant): void {
  checkUnique(
    `${where}.externalData`,
    variant.externalData.map((entry) => entry.path),
  );
  checkUnique(`${where}.inputs`, names(variant.inputs ?? []));
  checkUnique(`${where}.outputs`, names(variant.outputs ?? []));
  const sizes = variantFileIds(variant).map((id) => manifest.files.get(id)?.size ?? 0);
  checkFigure(`${where}.size.decoded`, variant.size.decoded, sum(sizes));
  // Which of the negotiated forms count is the builder's to say, so that a range holds for builders to come.
  const chunks = variantChunks(manifest, variant);
  const least = sum(chunks.map(({ size, enc }) => Math.min(size, ...Object.values(enc))));
  const most = sum(chunks.map(({ size, enc }) => Math.max(size, ...Object.values(enc))));
  const { transfer } = variant.size;
  if (transfer < least || transfer > most)
    throw new Error(`${where}.size.transfer is ${transfer}; expected ${least} to ${most}`);
}

function names(values: readonly { readonly name: string }[]): readonly string[] {
  return values.map((value) => value.name);
}

function checkFigure(where: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${where} is ${found}; expected ${expected}`);
}

function checkUnique(where: string, names: readonly string[]): ReadonlySet<string> {
  const seen = new Set(names);
  if (seen.size < names.length) throw new Error(`${where}: a name is there twice`);
  return seen;
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}
