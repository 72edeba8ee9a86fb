import { describe, expect, test } from "vitest";
import { load } from "../src/index.ts";
import { memoryStore } from "../src/memory.ts";
import { type TransformersProgress, transformersCache, transformersProgress } from "../src/transformers.ts";
import { fakeOrt } from "./support/ort.ts";
import { makePack, noise, SMALL } from "./support/packs.ts";
import { scriptedServer } from "./support/server.ts";

const pack = makePack();

describe("transformersProgress", () => {
  test("calls as transformers.js does", async () => {
    await using server = await scriptedServer(pack.files);
    const seen: TransformersProgress[] = [];
    const onProgress = transformersProgress((progress) => seen.push(progress), {
      name: "digits",
      task: "image-classification",
    });
    await load(`${server.url}/manifest.json#m`, {
      ort: fakeOrt(),
      cache: memoryStore(),
      facts: {},
      onProgress,
    });
    expect(seen[0]).toEqual({ status: "initiate", name: "digits", file: "model" });
    expect(seen.at(-3)).toEqual({
      status: "progress",
      name: "digits",
      file: "model",
      progress: 100,
      loaded: 540,
      total: 540,
    });
    expect(seen.at(-2)).toEqual({ status: "done", name: "digits", file: "model" });
    expect(seen.at(-1)).toEqual({ status: "ready", task: "image-classification", model: "digits" });
  });
});

describe("transformersCache", () => {
  test("answers the graph and its data from the pack, loaded once", async () => {
    await using server = await scriptedServer(pack.files);
    const cache = transformersCache(`${server.url}/manifest.json#m`, { cache: memoryStore(), facts: {} });
    const [graph, again] = await Promise.all([
      cache.match("https://huggingface.co/x/resolve/main/onnx/model_quantized.onnx"),
      cache.match({ url: "/models/x/onnx/model.onnx?download=true" }),
    ]);
    expect(new Uint8Array((await graph?.arrayBuffer()) as ArrayBuffer)).toEqual(SMALL.chunks[0]);
    expect(again?.headers.get("content-length")).toBe("40");
    expect(server.paths()).toHaveLength(4);
  });

  test("answers data under the name that the graph has for it", async () => {
    await using server = await scriptedServer(pack.files);
    const cache = transformersCache(`${server.url}/manifest.json#m`, { cache: memoryStore(), facts: {} });
    const data = await cache.match("https://x.test/onnx/model.data");
    expect(new Uint8Array((await data?.arrayBuffer()) as ArrayBuffer)).toEqual(
      new Uint8Array([...noise(2, 300), ...noise(3, 200)]),
    );
  });

  test("leaves everything else to the next cache", async () => {
    const kept: string[] = [];
    const next = {
      match: async (request: string | { readonly url: string }) => new Response(`next ${String(request)}`),
      put: async (request: string | { readonly url: string }) => void kept.push(String(request)),
    };
    const cache = transformersCache("https://a.test/m.json#m", { next });
    expect(await (await cache.match("config.json"))?.text()).toBe("next config.json");
    await cache.put("config.json", new Response("{}"));
    expect(kept).toEqual(["config.json"]);
    expect(await transformersCache("https://a.test/m.json#m").match("config.json")).toBeUndefined();
  });

  test("tries again after a failure", async () => {
    await using server = await scriptedServer(pack.files);
    const path = pack.paths[0] as string;
    server.on(path, (response) => void response.writeHead(500).end());
    const cache = transformersCache(`${server.url}/manifest.json#m`, {
      cache: memoryStore(),
      facts: {},
      retries: 1,
    });
    await expect(cache.match("a/model.onnx")).rejects.toMatchObject({ code: "CHUNK_FETCH" });
    server.on(path, (response) => void response.end(SMALL.chunks[0]));
    expect((await cache.match("a/model.onnx"))?.status).toBe(200);
  });
});
