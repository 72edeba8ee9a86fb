/** Packs: those that the builder wrote (tests/fixtures/packs), and small ones made of given bytes. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

export type Bytes = Uint8Array<ArrayBuffer>;

export interface Pack {
  /** Path → bytes, as a server publishes them. */
  readonly files: Map<string, Bytes>;
  readonly manifest: Bytes;
  /** Digest → plain bytes. */
  readonly chunks: ReadonlyMap<string, Bytes>;
  /** The path of each chunk, graph first. */
  readonly paths: readonly string[];
}

export interface VariantShape {
  readonly id: string;
  readonly device?: string;
  readonly chunks: readonly Bytes[];
  readonly requires?: object;
  readonly sessionOptions?: object;
}

export interface PackShape {
  readonly variants?: readonly VariantShape[];
  readonly mode?: "stored" | "transport";
  /** Chunks lie on the host as gzip. */
  readonly gzip?: boolean;
  readonly assets?: Readonly<Record<string, Bytes>>;
  readonly state?: readonly { readonly input: string; readonly output: string }[];
  readonly inputs?: readonly object[];
  readonly outputs?: readonly object[];
  readonly mirrors?: readonly string[];
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** `size` bytes that differ by seed. */
export function noise(seed: number, size: number): Bytes {
  const bytes = new Uint8Array(size);
  let state = seed * 2654435761 + 1;
  for (let position = 0; position < size; position += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[position] = state >>> 24;
  }
  return bytes;
}

export const VALUE: object = { name: "x", isTensor: true, type: "float32", shape: ["batch", 2] };
export const SMALL: VariantShape = { id: "small", chunks: [noise(1, 40), noise(2, 300), noise(3, 200)] };

/** A pack with one model `m`; of each variant, the first chunk is the graph and the others are one data file. */
export function makePack(shape: PackShape = {}): Pack {
  const { variants = [SMALL], mode = "stored", gzip = false, assets = {}, state = [] } = shape;
  const chunks = new Map<string, Bytes>();
  const published = new Map<string, Bytes>();
  const listed: { hash: string; size: number; enc?: { gzip: number } }[] = [];
  const position = (bytes: Bytes): number => {
    const hash = sha256(bytes);
    const known = listed.findIndex((chunk) => chunk.hash === hash);
    if (known >= 0) return known;
    chunks.set(hash, bytes);
    const encoded = gzip ? new Uint8Array(gzipSync(bytes)) : undefined;
    published.set(
      `/c/${hash}${encoded && mode === "stored" ? ".g.bin" : ".bin"}`,
      mode === "stored" && encoded ? encoded : bytes,
    );
    listed.push({ hash, size: bytes.length, ...(encoded ? { enc: { gzip: encoded.length } } : {}) });
    return listed.length - 1;
  };
  const file = (parts: readonly Bytes[]): object => ({
    size: parts.reduce((total, part) => total + part.length, 0),
    hash: sha256(Buffer.concat(parts)),
    type: "application/octet-stream",
    parts: parts.map(position),
  });
  const files: Record<string, object> = {};
  const described = variants.map((variant) => {
    const [graph, ...data] = variant.chunks as [Bytes, ...Bytes[]];
    files[`m@${variant.id}/model.onnx`] = file([graph]);
    if (data.length) files[`m@${variant.id}/model.data`] = file(data);
    const distinct = [...new Set(variant.chunks.map(position))].map((index) => listed[index]);
    return {
      id: variant.id,
      dtype: "fp32",
      scheme: "fp32",
      digest: sha256(graph),
      device: variant.device ?? "wasm",
      runtime: "onnxruntime-web",
      executionProviders: [variant.device ?? "wasm"],
      requires: variant.requires ?? {},
      graph: `m@${variant.id}/model.onnx`,
      externalData: data.length ? [{ path: "model.data", file: `m@${variant.id}/model.data` }] : [],
      sessionOptions: variant.sessionOptions ?? {},
      size: {
        decoded: variant.chunks.reduce((total, chunk) => total + chunk.length, 0),
        transfer: distinct.reduce((total, chunk) => total + (chunk?.enc?.gzip ?? chunk?.size ?? 0), 0),
      },
    };
  });
  for (const [name, bytes] of Object.entries(assets)) files[`m/${name}`] = file([bytes]);
  const manifest = Buffer.from(
    JSON.stringify({
      $schema: "urn:modelpack:manifest:1",
      manifestVersion: 1,
      generator: { name: "modelpack", version: "0.1.0" },
      delivery: { base: "./", chunkUrl: "c/{hash}{ext}", mode, mirrors: shape.mirrors ?? [] },
      chunks: listed,
      files,
      models: {
        m: {
          inputs: shape.inputs ?? [VALUE],
          outputs: shape.outputs ?? [{ ...VALUE, name: "y" }],
          state,
          assets: Object.fromEntries(Object.keys(assets).map((name) => [name, `m/${name}`])),
          load: "lazy",
          variants: described,
        },
      },
    }),
  );
  const bytes = new Uint8Array(manifest);
  published.set("/manifest.json", bytes);
  return {
    files: published,
    manifest: bytes,
    chunks,
    paths: [...published.keys()].filter((path) => path.startsWith("/c/")),
  };
}

/** A pack that the builder wrote, as a server publishes it. */
export function builtPack(name: "stored" | "transport"): ReadonlyMap<string, Bytes> {
  const folder = new URL(`../fixtures/packs/${name}/`, import.meta.url);
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    names.map((entry) => {
      const path = `${entry.parentPath}/${entry.name}`.replace(/\/+/g, "/");
      const relative = path.slice(path.lastIndexOf(`/packs/${name}/`) + `/packs/${name}`.length);
      return [relative, new Uint8Array(readFileSync(path))];
    }),
  );
}
