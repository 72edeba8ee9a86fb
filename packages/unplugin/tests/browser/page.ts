/** What the application says. */
import type { Page } from "playwright-core";

export interface Answer {
  readonly reference: { readonly manifestUrl: string; readonly sha256: string; readonly model: string };
  readonly variant: string;
  readonly logits: readonly number[];
}

/** Waits for the application's first answer. */
export async function answerOf(page: Page): Promise<Answer> {
  await page.waitForFunction(() => "answered" in globalThis);
  return page.evaluate(() => (globalThis as unknown as { answered: Promise<Answer> }).answered);
}

/** Waits until the model that nobody asked for is stored. */
export async function untilFetched(page: Page): Promise<void> {
  await page.waitForFunction(
    () => (globalThis as unknown as { lazily: () => Promise<boolean> }).lazily(),
    undefined,
    { polling: 200 },
  );
}
