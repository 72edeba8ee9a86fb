/** Adapters for transformers.js: its progress callback, and a cache for its `env.customCache`. */
import { ortInputs } from "./load.ts";
import type { LoadOptions, ModelRef, Progress } from "./types.ts";

/** What transformers.js passes to `progress_callback`. */
export type TransformersProgress =
  | { readonly status: "initiate" | "done"; readonly name: string; readonly file: string }
  | {
      readonly status: "progress";
      readonly name: string;
      readonly file: string;
      /** 0 to 100. */
      readonly progress: number;
      readonly loaded: number;
      readonly total: number;
    }
  | { readonly status: "ready"; readonly task: string; readonly model: string };

/** An `onProgress` for `load` that calls a callback written for transformers.js. */
export function transformersProgress(
  callback: (progress: TransformersProgress) => void,
  names: { readonly name: string; readonly file?: string; readonly task?: string },
): (progress: Progress) => void {
  const { name, file = "model", task = "" } = names;
  let isBegun = false;
  return ({ phase, fraction, transferredBytes, totalTransferBytes }) => {
    if (!isBegun) callback({ status: "initiate", name, file });
    isBegun = true;
    callback({
      status: "progress",
      name,
      file,
      progress: fraction * 100,
      loaded: transferredBytes,
      total: totalTransferBytes,
    });
    if (phase !== "done") return;
    callback({ status: "done", name, file });
    callback({ status: "ready", task, model: name });
  };
}

/** The shape of `env.customCache`. */
export interface TransformersCache {
  match(request: string | { readonly url: string }): Promise<Response | undefined>;
  put(request: string | { readonly url: string }, response: Response): Promise<void>;
}

/**
 * A cache that answers requests for `<anything>.onnx`, and for the variant's data files by name, from the pack.
 * Everything else goes to `next`, if given, or to the network. Only verified bytes are ever answered.
 */
export function transformersCache(
  ref: ModelRef,
  options: LoadOptions & { readonly next?: TransformersCache } = {},
): TransformersCache {
  let pending: ReturnType<typeof ortInputs> | undefined;
  const inputs = (): ReturnType<typeof ortInputs> => {
    pending ??= ortInputs(ref, options).catch((error: unknown) => {
      pending = undefined; // the next request tries again
      throw error;
    });
    return pending;
  };
  return {
    match: async (request) => {
      const url = typeof request === "string" ? request : request.url;
      const name = url.split(/[?#]/, 1)[0]?.split("/").at(-1) ?? "";
      if (/\.(onnx(_data(_\d+)?)?|data)$/.test(name)) {
        const { model, externalData } = await inputs();
        const bytes = name.endsWith(".onnx") ? model : externalData.find(({ path }) => path === name)?.data;
        if (bytes) return binary(bytes);
      }
      return options.next?.match(request);
    },
    put: async (request, response) => options.next?.put(request, response),
  };
}

function binary(bytes: Uint8Array): Response {
  const headers = { "content-type": "application/octet-stream", "content-length": `${bytes.length}` };
  return new Response(bytes as Uint8Array<ArrayBuffer>, { headers });
}
