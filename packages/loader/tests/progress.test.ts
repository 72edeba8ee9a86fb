import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Chunk } from "../src/manifest.ts";
import { progressMeter } from "../src/progress.ts";
import type { Progress } from "../src/types.ts";

function chunk(name: string, transfer: number, size: number = transfer): Chunk {
  return { hash: name, size, enc: {}, transfer };
}

describe("progressMeter", () => {
  test("counts a chunk while it arrives, takes back what failed, and never falls", () => {
    let timeMs = 0;
    const seen: Progress[] = [];
    const meter = progressMeter(
      (progress) => seen.push(progress),
      () => timeMs,
    );
    const a = chunk("a", 800);
    const b = chunk("b", 200);
    meter.begin("manifest");
    meter.finish("manifest");
    meter.expect([a, b], []);
    meter.begin("download");
    timeMs = 1000;
    meter.receiving(a, 0.5);
    expect(seen.at(-1)).toMatchObject({
      fraction: 0.02 + 0.8 * 0.4,
      bytesPerSecond: 400,
      secondsLeft: 1.5,
      transferredBytes: 0,
    });
    timeMs = 2000;
    meter.receiving(a, 0);
    expect(seen.at(-1)).toMatchObject({
      fraction: 0.02 + 0.8 * 0.4,
      bytesPerSecond: 0,
      secondsLeft: undefined,
    });
    timeMs = 3000;
    meter.received(a);
    timeMs = 4000;
    meter.received(b);
    expect(seen.at(-1)).toMatchObject({
      fraction: 0.02 + 0.8,
      transferredBytes: 1000,
      totalTransferBytes: 1000,
      secondsLeft: 0,
    });
    meter.begin("done");
    expect(seen.at(-1)?.fraction).toBe(1);
  });

  test("does not wait for what another tab has stored meanwhile", () => {
    let timeMs = 0;
    const seen: Progress[] = [];
    const meter = progressMeter(
      (progress) => seen.push(progress),
      () => timeMs,
    );
    const [a, b] = [chunk("a", 800), chunk("b", 200)];
    meter.expect([a, b], []);
    timeMs = 1000;
    meter.received(b);
    timeMs = 2000;
    meter.cached(a);
    meter.begin("done");
    expect(seen.at(-2)?.fraction).toBeCloseTo(0.8);
    expect(seen.at(-1)).toMatchObject({ totalTransferBytes: 200, secondsLeft: 0, cachedBytes: 800 });
  });

  test("forgets what was under way when another variant is loaded", () => {
    let timeMs = 0;
    const seen: Progress[] = [];
    const meter = progressMeter(
      (progress) => seen.push(progress),
      () => timeMs,
    );
    meter.expect([chunk("a", 1000)], []);
    timeMs = 1000;
    meter.receiving(chunk("a", 1000), 0.9);
    meter.expect([chunk("b", 500)], []);
    expect(seen.at(-1)).toMatchObject({ bytesPerSecond: 0, secondsLeft: undefined });
    timeMs = 2000;
    meter.receiving(chunk("b", 500), 0.5);
    expect(seen.at(-1)).toMatchObject({ bytesPerSecond: 125, secondsLeft: 2 });
  });

  test("speaks at most every 50 ms, but of each phase at once", () => {
    let timeMs = 0;
    let count = 0;
    const meter = progressMeter(
      () => (count += 1),
      () => timeMs,
    );
    meter.begin("download");
    for (timeMs = 0; timeMs < 500; timeMs += 1) meter.receiving(chunk("a", 1000), timeMs / 500);
    expect(count).toBe(10);
    meter.begin("session");
    meter.begin("done");
    expect(count).toBe(12);
  });

  test("reaches one through any order of any events, and never falls", () => {
    const event = fc.record({
      chunk: fc.nat(4),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      what: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(event), fc.boolean(), (events, isStored) => {
        const fractions: number[] = [];
        const meter = progressMeter(
          ({ fraction }) => fractions.push(fraction),
          () => fractions.length * 100,
        );
        const chunks = [10, 0, 300, 7, 99].map((size, position) => chunk(String(position), size, size + 5));
        meter.expect(isStored ? [] : chunks, isStored ? chunks : []);
        for (const { chunk: position, share, what } of events) {
          const found = chunks[position] as Chunk;
          if (what === 0) meter.receiving(found, share);
          else if (what === 1) meter.received(found);
          else meter.cached(found);
        }
        meter.finish("runtime");
        meter.begin("done");
        expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
        expect(fractions.every((fraction) => fraction >= 0 && fraction <= 1)).toBe(true);
        expect(fractions.at(-1)).toBe(1);
      }),
    );
  });
});
