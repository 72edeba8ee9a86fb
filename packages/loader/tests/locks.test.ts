import { expect, test } from "vitest";
import { withLock } from "../src/locks.ts";

const { signal } = new AbortController();

/** Web Locks of one page: one holder of a name at a time. */
function fakeLocks(): LockManager {
  const tails = new Map<string, Promise<unknown>>();
  const request = async (
    name: string,
    options: LockOptions,
    work: () => Promise<unknown>,
  ): Promise<unknown> => {
    const before = tails.get(name) ?? Promise.resolve();
    const held = before.then(() => {
      options.signal?.throwIfAborted();
      return work();
    });
    tails.set(
      name,
      held.catch(() => undefined),
    );
    return held;
  };
  return { request, query: async () => ({}) } as unknown as LockManager;
}

test("two of a name work one after the other", async () => {
  const locks = fakeLocks();
  const events: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    events.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    events.push(`${name} ends`);
    return name;
  };
  expect(
    await Promise.all([withLock("x", locks, signal, work("a")), withLock("x", locks, signal, work("b"))]),
  ).toEqual(["a", "b"]);
  expect(events).toEqual(["a begins", "a ends", "b begins", "b ends"]);
});

test("without Web Locks the work is done all the same", async () => {
  expect(await withLock("x", undefined, signal, async () => 1)).toBe(1);
});

test("locks that are refused are done without", async () => {
  const locks = {
    request: () => Promise.reject(new DOMException("no", "SecurityError")),
  } as unknown as LockManager;
  expect(await withLock("x", locks, signal, async () => 1)).toBe(1);
});

test("what the work throws is thrown, and the work is not done twice", async () => {
  let count = 0;
  const work = async (): Promise<never> => {
    count += 1;
    throw new Error("work");
  };
  await expect(withLock("x", fakeLocks(), signal, work)).rejects.toThrow("work");
  expect(count).toBe(1);
});

test("an abort ends the wait", async () => {
  const locks = fakeLocks();
  const controller = new AbortController();
  const first = withLock("x", locks, signal, () => new Promise((resolve) => setTimeout(resolve, 20)));
  const second = withLock("x", locks, controller.signal, async () => expect.unreachable("it was aborted"));
  controller.abort();
  await expect(second).rejects.toMatchObject({ code: "ABORTED" });
  await first;
});
