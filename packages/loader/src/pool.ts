import { abortable, childController } from "./abort.ts";

/** Does `work` for all items, `limit` at a time, in order; the first failure aborts the others' signal. */
export async function eachLimited<T>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { controller, unlink } = childController(signal);
  const rest = items.values(); // one iterator, shared by all lanes
  const lane = async (): Promise<void> => {
    for (const item of rest) {
      if (controller.signal.aborted) return;
      await work(item, controller.signal);
    }
  };
  try {
    const lanes = Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, lane);
    await abortable(
      Promise.all(lanes).then(() => undefined),
      signal,
    );
  } catch (error) {
    controller.abort();
    throw error;
  } finally {
    unlink();
  }
}
