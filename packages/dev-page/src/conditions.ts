/** Trouble on request, as options of the real loader: nothing here reaches into it. */
import type { DeviceFacts, FetchLike, LoadOptions, ModelStore } from "@modelpack/loader";

export const CONDITIONS = {
  slow: ["Slow network", "1.6 Mbit/s, 300 ms a request"],
  corruptOnce: ["Corrupt chunk, once", "one byte is wrong, and right when it is asked for again"],
  corruptAlways: ["Corrupt chunk, always", "one byte is wrong each time"],
  full: ["Storage full", "nothing can be stored"],
  noWebgpu: ["No WebGPU", "as in a browser that has none"],
} as const;

export type Condition = keyof typeof CONDITIONS;

const SLOW_BYTES_PER_S = 200_000;
const SLOW_LATENCY_MS = 300;
const SLICE_BYTES = 8192;
const IS_CHUNK = /\/c\/[0-9a-f]{64}\./;

/** The options that make a load meet these conditions. */
export function conditioned(conditions: ReadonlySet<Condition>): LoadOptions {
  let fetching: FetchLike = (url, init) => fetch(url, init);
  if (conditions.has("corruptOnce")) fetching = corrupting(fetching, 1);
  if (conditions.has("corruptAlways")) fetching = corrupting(fetching, Number.POSITIVE_INFINITY);
  if (conditions.has("slow")) fetching = slowed(fetching);
  return {
    fetch: fetching,
    ...(conditions.has("full") ? { cache: fullStore() } : {}),
    ...(conditions.has("noWebgpu") ? { facts: withoutWebgpu() } : {}),
  };
}

/** Flips a byte of the first chunk that is asked for, in so many of its answers. */
export function corrupting(fetching: FetchLike, times: number): FetchLike {
  let chosen: string | undefined;
  let left = times;
  return async (url, init) => {
    const response = await fetching(url, init);
    if (!IS_CHUNK.test(url) || !response.ok) return response;
    chosen ??= url;
    if (url !== chosen || left <= 0) return response;
    left -= 1;
    const body = new Uint8Array(await response.arrayBuffer());
    const middle = body.length >> 1;
    body[middle] = (body[middle] ?? 0) ^ 1;
    return new Response(body, { status: response.status, headers: response.headers });
  };
}

/** All requests share one line of that bandwidth, and each waits for its round trip. */
export function slowed(fetching: FetchLike): FetchLike {
  let line: Promise<unknown> = Promise.resolve();
  const send = (size: number): Promise<unknown> => {
    line = line.then(() => delay((1000 * size) / SLOW_BYTES_PER_S));
    return line;
  };
  return async (url, init) => {
    await delay(SLOW_LATENCY_MS);
    const response = await fetching(url, init);
    if (!response.body) return response;
    const slices = new TransformStream<Uint8Array, Uint8Array>({
      async transform(block, controller) {
        for (let begin = 0; begin < block.length; begin += SLICE_BYTES) {
          const slice = block.subarray(begin, begin + SLICE_BYTES);
          await send(slice.length);
          controller.enqueue(slice);
        }
      },
    });
    return new Response(response.body.pipeThrough(slices), response);
  };
}

/** A store that has no room left. */
export function fullStore(): ModelStore {
  return {
    kind: "full",
    read: async () => undefined,
    write: async () => {
      throw new DOMException("the simulated storage is full", "QuotaExceededError");
    },
    remove: async () => undefined,
    list: async () => [],
  };
}

function withoutWebgpu(): DeviceFacts {
  return { wasm: ["simd"] };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
