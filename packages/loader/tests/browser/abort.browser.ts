/** L11: aborted at every point at which the loader waits, in a real browser. */
import { expect } from "vitest";
import { chunkPaths, expected, expectWorks, scene } from "./support/scene.ts";

const LOAD = { feeds: expected("digits").feeds, options: { device: "wasm", variant: "q8" } } as const;
const ANSWER_MS = 9000; // 100 on a machine that does nothing else; what waits for a stall takes 10 s
const CHUNKS = new Set(chunkPaths("digits", "q8").map((path) => /([0-9a-f]{64})/.exec(path)?.[1]));

for (const cache of ["opfs", "cache-api"] as const) {
  scene(
    `an abort at every point ends the load at once, with nothing bad stored and nothing written after it (${cache})`,
    async ({ tab }) => {
      const load = { ...LOAD, options: { ...LOAD.options, cache } };
      const { points, code } = await tab.abortAtPoint(load, 0);
      expect(code).toBe("OK");
      expect(points).toBeGreaterThan(20);
      for (let point = 1; point <= points; point += 1) {
        await tab.page.evaluate(() => harness.clearStorage());
        const report = await tab.abortAtPoint(load, point);
        if (!report.at) continue; // requests vary a little in number
        expect({ point, ...report }).toMatchObject({ code: "ABORTED", name: "AbortError", lateWrites: [] });
        expect({ point, ...report }.answeredMs).toBeLessThan(ANSWER_MS);
        const { bad, sound } = await tab.stored();
        expect(bad).toEqual([]);
        expect(sound.every((key) => CHUNKS.has(key))).toBe(true);
      }
      await expect.poll(() => tab.page.workers().length).toBe(0);
      expectWorks(await tab.attempt(load));
    },
    { timeoutMs: 240_000 },
  );
}

scene("an abort before anything ends before anything is asked for", async ({ site, tab }) => {
  site.log.splice(0);
  expect(await tab.attempt({ ...LOAD, abortAfterMs: 0 })).toMatchObject({
    code: "ABORTED",
    name: "AbortError",
  });
  expect(site.log.filter(({ path }) => path.startsWith("/models/"))).toEqual([]);
});
