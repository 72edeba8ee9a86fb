/** How a chunk lies on its host. */
import type { Chunk, Delivery } from "./manifest.ts";

export type StoredForm = "gzip" | "zstd";

/** The form that the loader has to decode; undefined for plain bytes, and where the host negotiates encodings. */
export function storedForm({ enc }: Chunk, { mode }: Delivery): StoredForm | undefined {
  if (mode === "transport") return undefined;
  return enc.gzip ? "gzip" : enc.zstd ? "zstd" : undefined;
}

/** The chunk's name beneath the folder. */
export function chunkName(chunk: Chunk, delivery: Delivery): string {
  const form = storedForm(chunk, delivery);
  const extension = form ? { gzip: ".g.bin", zstd: ".z.bin" }[form] : ".bin";
  return delivery.chunkUrl.replace("{hash}", chunk.hash).replace("{ext}", extension);
}

/** Whether the bytes begin as `form` does; a host that has decoded them by itself is not wrong. */
export function startsAs(form: StoredForm, bytes: Uint8Array): boolean {
  const magic = { gzip: [0x1f, 0x8b], zstd: [0x28, 0xb5, 0x2f, 0xfd] }[form];
  return magic.every((byte, position) => bytes[position] === byte);
}
