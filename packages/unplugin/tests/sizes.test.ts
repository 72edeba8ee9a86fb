import { expect, test } from "vitest";
import { checkSizes } from "../src/sizes.ts";

const files = [
  { path: "modelpack-0/worker.js", source: new Uint8Array(10) },
  { path: "modelpack-0/ort.wasm", source: new Uint8Array(2_000_000) },
];

test("checkSizes lets files pass that are not over the limit, and all where there is none", async () => {
  await checkSizes(files, { host: "cloudflare-pages", fileLimitBytes: 2_000_000 });
  await checkSizes(files, { host: "static", fileLimitBytes: undefined });
});

test("checkSizes names the file, the host and what to do", async () => {
  await expect(checkSizes(files, { host: "cloudflare-pages", fileLimitBytes: 1_900_000 })).rejects.toThrow(
    "ort.wasm has 2.0 MB, and cloudflare-pages takes files up to 1.9 MB; " +
      'publish it in chunks: [runtime] package = "onnxruntime-web" in modelpack.toml',
  );
});
