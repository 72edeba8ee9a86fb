// What every page does: the same input, the time since navigation began, and then what it is told.
export const IDS = Array.from({ length: 32 }, (_, position) =>
  position === 0 ? 101 : position === 31 ? 102 : 2000 + 37 * position,
);
export const NAMES = ["input_ids", "attention_mask", "token_type_ids"];

export function values(name) {
  if (name === "input_ids") return BigInt64Array.from(IDS, BigInt);
  return new BigInt64Array(IDS.length).fill(name === "attention_mask" ? 1n : 0n);
}

export async function report(run) {
  let first;
  // What a visitor cannot click through: of every task that kept the page's thread for longer than 50 ms, the rest.
  let blockedMs = 0;
  const count = (entries) => {
    for (const { duration } of entries.getEntries()) blockedMs += duration - 50;
  };
  new PerformanceObserver(count).observe({ type: "longtask", buffered: true });
  try {
    first = await run();
  } catch (error) {
    await fetch(`/report?error=${encodeURIComponent(String(error?.stack ?? error))}`);
    return;
  }
  const milliseconds = performance.now();
  // Time for the browser to write its caches, as between two visits.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const answer = await fetch(
    `/report?ms=${milliseconds}&first=${first}&blocked=${blockedMs}&marks=${marks()}`,
  );
  if ((await answer.text()) === "reload") location.reload();
}

// What the loader measures of itself: when each of its phases began and ended.
function marks() {
  const entries = performance.getEntriesByType("measure");
  const found = entries.map(({ name, startTime, duration }) =>
    [name.replace("modelpack:", ""), Math.round(startTime), Math.round(startTime + duration)].join("-"),
  );
  return encodeURIComponent(found.join(" "));
}
