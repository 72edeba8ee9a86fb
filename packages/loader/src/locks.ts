import { throwIfAborted } from "./abort.ts";

const PATIENCE_MS = 30_000; // as long as a stalled request; then better fetched twice than not at all

/** What `work` gives, done while no other tab works on `name`; without Web Locks, or too long a wait, done at once. */
export async function withLock<T>(
  name: string,
  locks: LockManager | undefined,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  if (!locks) return work();
  let begun = false;
  try {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    return await locks.request(`modelpack:${name}`, { signal: patience }, () => {
      begun = true;
      return work();
    });
  } catch (error) {
    throwIfAborted(signal);
    if (begun) throw error;
    return work(); // locks are an optimisation
  }
}
