import { expect, test } from "vitest";
import { limitText } from "../src/models.ts";

const VERDICT = { model: "m", variant: "q8", passed: false, comparison: "<=" } as const;

test("a broken limit says what was measured and what is allowed", () => {
  expect(limitText({ ...VERDICT, quantity: "download", measured: 112_000, limit: 110_000 })).toBe(
    "download 112 kB, at most 110 kB",
  );
  expect(limitText({ ...VERDICT, quantity: "latency_p50", measured: 0.05, limit: 0.012 })).toBe(
    "latency p50 50 ms, at most 12 ms",
  );
  expect(limitText({ ...VERDICT, quantity: "cosine", comparison: ">=", measured: 0.98, limit: 0.99 })).toBe(
    "cosine 0.9800, at least 0.9900",
  );
  expect(limitText({ ...VERDICT, quantity: "memory", measured: null, limit: 1 })).toBe(
    "memory was not measured",
  );
});
