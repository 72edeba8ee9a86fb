/** What modelpack has published. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PluginError } from "./failure.ts";
import type { ProfiledVariant } from "./split/profile.ts";

export type Load = "eager" | "idle" | "lazy";

export interface PackedModel {
  readonly load: Load;
  /** The devices of its variants: "wasm", "webgpu", "webnn". */
  readonly devices: readonly string[];
}

export interface Pack {
  /** The folder of the manifest and its chunks. */
  readonly folder: string;
  readonly manifestPath: string;
  /** The name under which these bytes never change. */
  readonly manifestName: string;
  readonly sha256: string;
  readonly models: Readonly<Record<string, PackedModel>>;
  /** What runs on onnxruntime's plain build. */
  readonly wasmVariants: readonly ProfiledVariant[];
  /** onnxruntime's wasm, where modelpack.toml says that it goes into the pack. */
  readonly runtime: PackedRuntime | undefined;
}

export interface PackedRuntime {
  /** Of onnxruntime-web. It is used by pages that have this version. */
  readonly version: string;
  readonly devices: readonly string[];
}

interface ManifestVariant {
  readonly id: string;
  readonly device: string;
  readonly digest: string;
}

/** The parts of a manifest that are read here; modelpack has checked the whole. */
interface Manifest {
  readonly manifestVersion: number;
  readonly models: Readonly<
    Record<string, { readonly load?: Load; readonly variants: readonly ManifestVariant[] }>
  >;
  readonly runtime?: { readonly version: string; readonly builds: Readonly<Record<string, string>> };
}

const HASH_DIGITS = 16; // of manifest.<hash>.json: docs/manifest.md

/** The pack of this manifest. Throws PluginError if it cannot be read. */
export async function readPack(manifestPath: string): Promise<Pack> {
  const bytes = await readFile(manifestPath).catch((cause: unknown) => {
    throw new PluginError(`${manifestPath} cannot be read`, "run `modelpack build`", { cause });
  });
  const { manifestVersion, models, runtime } = JSON.parse(bytes.toString()) as Manifest;
  if (manifestVersion !== 1) {
    const message = `${manifestPath} has version ${manifestVersion}, expected 1`;
    throw new PluginError(message, "install the @modelpack/unplugin that belongs to your modelpack");
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return {
    folder: dirname(manifestPath),
    manifestPath,
    manifestName: `manifest.${sha256.slice(0, HASH_DIGITS)}.json`,
    sha256,
    models: Object.fromEntries(
      Object.entries(models).map(([id, { load = "lazy", variants }]) => [
        id,
        { load, devices: [...new Set(variants.map(({ device }) => device))] },
      ]),
    ),
    wasmVariants: Object.entries(models).flatMap(([model, { variants }]) =>
      variants
        .filter(({ device }) => device === "wasm")
        .map(({ id, digest }) => ({ model, variant: id, digest })),
    ),
    runtime: runtime && { version: runtime.version, devices: Object.keys(runtime.builds) },
  };
}
