import type { Chunk } from "./manifest.ts";
import type { Phase, Progress } from "./types.ts";

// Shares of the whole. A typical cold load at 50 Mbit/s spends about this much of its time in each.
const SHARE = { manifest: 0.02, runtime: 0.08, bytes: 0.8, session: 0.1 };
// Reading a stored chunk against fetching it.
const CACHED_WEIGHT = 0.05;
const INTERVAL_MS = 50;

/** Gathers what has been done; tells `onProgress`, whose fraction never falls. */
export interface ProgressMeter {
  readonly begin: (phase: Phase) => void;
  readonly finish: (part: "manifest" | "runtime") => void;
  /** What is to be fetched and what is stored already; again after a step down. */
  readonly expect: (missing: readonly Chunk[], cached: readonly Chunk[]) => void;
  readonly receiving: (chunk: Chunk, share: number) => void;
  readonly received: (chunk: Chunk) => void;
  readonly cached: (chunk: Chunk) => void;
  /** Seconds until all bytes are there, at the rate so far; 0 until anything has come. */
  readonly secondsLeft: () => number;
}

/** A meter for one load; `now` gives milliseconds. */
export function progressMeter(
  onProgress: ((progress: Progress) => void) | undefined,
  now: () => number,
): ProgressMeter {
  const finished = new Set<keyof typeof SHARE>();
  const underWay = new Map<string, number>(); // chunk → its bytes so far, in units of what the host sends
  const sums = { transferred: 0, cached: 0, underWay: 0, expected: 0, expectedWeight: 0, doneWeight: 0 };
  let due: Set<Chunk> = new Set(); // what is to be fetched
  let phase: Phase = "manifest";
  let highest = 0;
  let startedMs: number | undefined;
  let toldMs = Number.NEGATIVE_INFINITY;

  const fraction = (): number => {
    if (phase === "done") return 1;
    let done = 0;
    for (const part of finished) done += SHARE[part];
    const share = sums.expectedWeight ? (sums.doneWeight + sums.underWay) / sums.expectedWeight : 0;
    return Math.min(done + SHARE.bytes * Math.min(share, 1), 0.999);
  };
  const rate = (): Pick<Progress, "bytesPerSecond" | "secondsLeft"> => {
    const bytes = sums.transferred + sums.underWay;
    const seconds = startedMs === undefined ? 0 : (now() - startedMs) / 1000;
    const bytesPerSecond = seconds > 0 ? bytes / seconds : 0;
    const left = Math.max(0, sums.expected - bytes);
    return { bytesPerSecond, secondsLeft: bytesPerSecond > 0 ? left / bytesPerSecond : left ? undefined : 0 };
  };
  const tell = (always: boolean): void => {
    const time = now();
    if (!onProgress || (!always && time - toldMs < INTERVAL_MS)) return;
    toldMs = time;
    highest = Math.max(highest, fraction());
    onProgress({
      fraction: highest,
      phase,
      transferredBytes: sums.transferred,
      cachedBytes: sums.cached,
      totalTransferBytes: Math.max(sums.expected, sums.transferred),
      ...rate(),
    });
  };
  const settle = (chunk: Chunk): void => {
    sums.underWay -= underWay.get(chunk.hash) ?? 0;
    underWay.delete(chunk.hash);
  };
  return {
    begin: (next) => {
      phase = next;
      tell(true);
    },
    finish: (part) => {
      finished.add(part);
      tell(true);
    },
    expect: (missing, cached) => {
      underWay.clear(); // what was stepped down from
      sums.underWay = 0;
      due = new Set(missing);
      const bytes = missing.reduce((total, chunk) => total + chunk.transfer, 0);
      const weight = bytes + cached.reduce((total, chunk) => total + chunk.transfer * CACHED_WEIGHT, 0);
      sums.expected = sums.transferred + bytes;
      sums.expectedWeight = sums.doneWeight + weight;
      startedMs ??= now();
      tell(true);
    },
    receiving: (chunk, share) => {
      const scaled = share * chunk.transfer;
      sums.underWay += scaled - (underWay.get(chunk.hash) ?? 0);
      underWay.set(chunk.hash, scaled);
      tell(false);
    },
    received: (chunk) => {
      settle(chunk);
      sums.transferred += chunk.transfer;
      sums.doneWeight += chunk.transfer;
      tell(false);
    },
    cached: (chunk) => {
      settle(chunk);
      if (due.delete(chunk)) {
        sums.expected -= chunk.transfer; // another tab has stored it meanwhile
        sums.expectedWeight -= chunk.transfer * (1 - CACHED_WEIGHT);
      }
      sums.cached += chunk.size;
      sums.doneWeight += chunk.transfer * CACHED_WEIGHT;
      tell(false);
    },
    secondsLeft: () => rate().secondsLeft ?? 0,
  };
}
