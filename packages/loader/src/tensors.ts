/** Tensors on their way between threads. */
import type { Feeds, TensorLike } from "./types.ts";

/** Only what can be sent: an `ort.Tensor` has methods. */
export function plain(feeds: Feeds): Feeds {
  return mapTensors(feeds, ({ type, data, dims }) => ({ type, data, dims: [...dims] }));
}

export function mapTensors(feeds: Feeds, change: (tensor: TensorLike) => TensorLike): Feeds {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, change(tensor)]));
}

/** The memory that can be moved in place of being copied: all of a buffer, and not WebAssembly's. */
export function memoryOf({ data }: TensorLike): ArrayBuffer[] {
  if (!ArrayBuffer.isView(data) || !(data.buffer instanceof ArrayBuffer)) return [];
  return data.byteLength === data.buffer.byteLength ? [data.buffer] : [];
}
