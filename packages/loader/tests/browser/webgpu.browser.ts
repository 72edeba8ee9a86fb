/** Variants for WebGPU, on a software adapter: right numbers, and the way down where it is lost. */
import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import type { Success } from "./page/harness.ts";
import { expected, expectWorks, scene, useFlags } from "./support/scene.ts";
import { packFile } from "./support/site.ts";

useFlags("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader");

const { feeds } = expected("digits");
const WEBGPU = { moduleUrl: "/ort/ort.webgpu.min.mjs" };
// A software adapter on a busy machine compiles its shaders in seconds.
const LOAD = { feeds, options: { runtime: WEBGPU, stallTimeoutMs: 10_000 }, deadlineMs: 120_000 } as const;
const PATIENT = { timeoutMs: 240_000 } as const;

describe("with WebGPU", () => {
  scene(
    "its variant is chosen, and gives the numbers of native onnxruntime",
    async ({ tab }) => {
      const outcome = await tab.attempt(LOAD);
      expectWorks(outcome);
      expect(outcome).toMatchObject({ variant: "gpu", device: "webgpu", steppedDown: [] });
    },
    PATIENT,
  );
  scene("wasm can be insisted on", async ({ tab }) => {
    const outcome = await tab.attempt({ feeds, options: { device: "wasm" } });
    expectWorks(outcome);
    expect(outcome.device).toBe("wasm");
  });
  scene(
    "a variant that needs a feature that is missing is passed over, with the reason",
    async ({ site, tab }) => {
      const manifest = JSON.parse(readFileSync(packFile("stored", "manifest.json"), "utf8"));
      const gpu = manifest.models.digits.variants.find(({ id }: { id: string }) => id === "gpu");
      gpu.requires = { ...gpu.requires, webgpu: { features: ["no-such-feature"], limits: {} } };
      site.put("/models/manifest.json", JSON.stringify(manifest));
      const planned = (await tab.attempt({ does: "plan" })) as Success;
      expect(planned.plan?.rejected[0]?.why).toBe("WebGPU lacks no-such-feature");
      const outcome = await tab.attempt({ feeds });
      expectWorks(outcome);
      expect(outcome.device).toBe("wasm");
    },
  );
  scene(
    "a device that cannot be had is stepped down from",
    async ({ tab }) => {
      // The page is told of an adapter; the runtime, in its worker, is given none.
      const outcome = await tab.attempt({
        ...LOAD,
        options: { ...LOAD.options, runtime: { moduleUrl: "/no-gpu.mjs" } },
      });
      expectWorks(outcome);
      expect(outcome.device).toBe("wasm");
      expect(outcome.steppedDown).toHaveLength(1);
    },
    {
      ...PATIENT,
      prepare: (site) =>
        site.put(
          "/no-gpu.mjs",
          'Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => null } }); export * from "/ort/ort.webgpu.min.mjs";',
        ),
    },
  );
  scene(
    "a device that is lost ends runs in errors, never in a hang, and another load works",
    async ({ tab }) => {
      const options = { ...LOAD.options, runtime: { moduleUrl: "/kept-gpu.mjs" } };
      expectWorks(await tab.attempt({ ...LOAD, options }));
      await tab.page.workers()[0]?.evaluate(() => (globalThis as unknown as { lose(): void }).lose());
      const outcome = await tab.again(feeds);
      expect(outcome).toMatchObject({ code: "RUN" });
      expectWorks(await tab.attempt({ ...LOAD, options: { device: "wasm" } }));
    },
    {
      ...PATIENT,
      prepare: (site) =>
        site.put(
          "/kept-gpu.mjs",
          `const { requestDevice } = GPUAdapter.prototype;
          GPUAdapter.prototype.requestDevice = async function (...given) {
            const device = await requestDevice.apply(this, given);
            globalThis.lose = () => device.destroy();
            return device;
          };
          export * from "/ort/ort.webgpu.min.mjs";`,
        ),
    },
  );
});
