/** The worker that pages share: what outlives a reload, and what happens where it cannot be had. */
import { describe, expect } from "vitest";
import * as answers from "./support/answers.ts";
import { expected, expectWorks, scene, type Tab } from "./support/scene.ts";

const { feeds } = expected("digits");
const LOAD = { feeds, options: { device: "wasm", variant: "fp32", worker: "shared" } } as const;
const NEEDED = /^\/models\/c\/|\.wasm$|worker\.js$/;

async function reload({ page }: Tab): Promise<void> {
  await page.reload();
  await page.waitForFunction(() => "harness" in globalThis);
}

describe("a shared worker", () => {
  scene("is there after a reload with its session, and nothing is fetched or read", async ({ site, tab }) => {
    expectWorks(await tab.attempt(LOAD));
    await reload(tab);
    await tab.page.evaluate(() => harness.clearStorage()); // whoever read anything would have to fetch it
    site.log.splice(0);
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome);
    expect(outcome.progress.at(-1)).toMatchObject({ fraction: 1, phase: "done", transferredBytes: 0 });
    expect(site.log.filter(({ path }) => NEEDED.test(path))).toEqual([]);
  });
  scene(
    "serves two tabs, and goes on when one of them releases the model",
    async ({ site, tab, openTab }) => {
      const other = await openTab();
      const outcomes = await Promise.all([tab, other].map((each) => each.attempt(LOAD)));
      for (const outcome of outcomes) expectWorks(outcome);
      expect(site.log.filter(({ path }) => /\.wasm$/.test(path))).toHaveLength(1);
      await tab.page.evaluate(() => harness.release());
      expect(await other.again(feeds)).toMatchObject({ code: "OK" });
      expect(await tab.again(feeds)).toMatchObject({ code: "USAGE" });
    },
  );
  scene(
    "ends when the last page releases the model, so that the next load begins anew",
    async ({ site, tab }) => {
      expectWorks(await tab.attempt(LOAD));
      await tab.page.evaluate(() => harness.release());
      await expect
        .poll(async () => {
          site.log.splice(0);
          expectWorks(await tab.attempt(LOAD));
          await tab.page.evaluate(() => harness.release());
          return site.log.some(({ path }) => /\.wasm$/.test(path));
        })
        .toBe(true);
    },
  );
  scene("keeps variants apart", async ({ tab }) => {
    expectWorks(await tab.attempt(LOAD));
    const outcome = await tab.attempt({ ...LOAD, options: { ...LOAD.options, variant: "q8" } });
    expectWorks(outcome);
    expect(outcome.variant).toBe("q8");
  });
  scene(
    "passes a strict policy that demands trusted types",
    async ({ tab }) => {
      const outcome = await tab.attempt(LOAD);
      expectWorks(outcome);
      expect(outcome.warnings).toEqual([]);
    },
    {
      prepare: (site) =>
        void Object.assign(site.headers, {
          "content-security-policy":
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
            "require-trusted-types-for 'script'; trusted-types modelpack",
        }),
    },
  );
  scene("whose script is not published is done without", async ({ site, tab }) => {
    site.script(/worker\.js$/, answers.status(404));
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome);
    expect(outcome.warnings.map(({ code }) => code)).toEqual(["RUNTIME_INIT"]);
  });
  scene("that browsers do not have is done without", async ({ tab }) => {
    await tab.page.evaluate(() => Reflect.deleteProperty(globalThis, "SharedWorker"));
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome);
    expect(outcome.warnings).toEqual([]);
  });
  scene("whose load is aborted leaves nothing behind that hangs", async ({ site, tab }) => {
    site.always(/^\/models\/c\//, answers.silent);
    expect(await tab.attempt({ ...LOAD, abortAfterMs: 1500 })).toMatchObject({ code: "ABORTED" });
    site.clearScripts();
    expectWorks(await tab.attempt(LOAD));
  });
});
