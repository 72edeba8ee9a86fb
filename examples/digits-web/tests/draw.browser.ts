/** The built page in a real Chromium: a mouse draws, and the answer is read from the page. */
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchChromium } from "../../../packages/loader/tests/browser/support/chromium.ts";
import { type StaticServer, serveFolder } from "./server.ts";

type Points = readonly (readonly [x: number, y: number])[];

const DIST = fileURLToPath(new URL("../dist", import.meta.url));

/** Points on an ellipse around (x, y), from one angle to another, in turns. */
function arc(x: number, y: number, width: number, height: number, from: number, to: number): Points {
  return Array.from({ length: 25 }, (_, step) => {
    const angle = 2 * Math.PI * (from + ((to - from) * step) / 24);
    return [x + width * Math.cos(angle), y + height * Math.sin(angle)];
  });
}

// In shares of the sheet, as people write them.
const DIGITS: Readonly<Record<string, readonly Points[]>> = {
  0: [arc(0.5, 0.5, 0.2, 0.32, -0.25, 0.75)],
  1: [
    [
      [0.42, 0.3],
      [0.53, 0.18],
      [0.53, 0.82],
    ],
  ],
  2: [[...arc(0.5, 0.34, 0.18, 0.16, -0.5, 0.1), [0.32, 0.82], [0.7, 0.82]]],
  3: [[...arc(0.47, 0.34, 0.17, 0.15, -0.45, 0.22), ...arc(0.47, 0.66, 0.2, 0.17, -0.22, 0.45)]],
  4: [
    [
      [0.52, 0.18],
      [0.3, 0.58],
      [0.72, 0.58],
    ],
    [
      [0.6, 0.36],
      [0.58, 0.84],
    ],
  ],
  7: [
    [
      [0.3, 0.2],
      [0.7, 0.2],
      [0.46, 0.82],
    ],
  ],
};

let browser: Browser;
let server: StaticServer;

beforeAll(async () => {
  server = await serveFolder(DIST);
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

async function open(options: Parameters<Browser["newPage"]>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options);
  await page.goto(server.url);
  return page;
}

async function draw(page: Page, strokes: readonly Points[]): Promise<void> {
  const box = await page.locator("#paper").boundingBox();
  if (!box) throw new Error("there is no paper");
  for (const stroke of strokes) {
    for (const [position, [x, y]] of stroke.entries()) {
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height, { steps: 3 });
      if (position === 0) await page.mouse.down();
    }
    await page.mouse.up();
  }
}

async function expectDigit(page: Page, digit: string): Promise<void> {
  // The model may still be loading, on a machine that is busy.
  await expect.poll(() => page.locator("#digit").textContent(), { timeout: 60_000 }).toBe(digit);
}

describe("the page", () => {
  for (const [digit, strokes] of Object.entries(DIGITS)) {
    test(`reads a ${digit}`, async () => {
      const page = await open();
      await page.locator(".ready").waitFor();
      await draw(page, strokes);
      await expectDigit(page, digit);
      expect(await page.locator("#bars li.best span").first().textContent()).toBe(digit);
      await page.close();
    });
  }

  test("reads what was drawn while the model was loading", async () => {
    const page = await open();
    await draw(page, DIGITS["7"] ?? []);
    await expectDigit(page, "7");
    await page.close();
  });

  test("says which variant was chosen, and why", async () => {
    const page = await open();
    await page.locator(".ready").waitFor();
    expect(await page.locator("#status").textContent()).toBe(
      "q8 was chosen: the first of the manifest that this device can run.",
    );
    expect(await page.locator("#facts").textContent()).toContain("q8WebAssembly61.3 kB downloaded");
    await page.reload();
    await page.locator(".ready").waitFor();
    expect(await page.locator("#status").textContent()).toBe("q8 was chosen: it is stored already.");
    await page.close();
  });

  test("clears", async () => {
    const page = await open();
    await page.locator(".ready").waitFor();
    await draw(page, DIGITS["0"] ?? []);
    await expectDigit(page, "0");
    await page.locator("#clear").click();
    await expectDigit(page, "–");
    await page.close();
  });

  test("says what is wrong when the model is not there", async () => {
    const page = await browser.newPage();
    await page.route("**/manifest.*.json", (route) => route.fulfill({ status: 404 }));
    await page.goto(server.url);
    await page.locator(".failed").waitFor();
    expect(await page.locator("#status").textContent()).toContain("status 404");
    await page.close();
  });
});

const { MODELPACK_PICTURES: pictures } = process.env;

describe.skipIf(!pictures)("pictures (MODELPACK_PICTURES=folder)", () => {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [name, width, height] of [
      ["wide", 1000, 800],
      ["narrow", 390, 1060],
    ] as const) {
      test(`${colorScheme}, ${name}`, async () => {
        const page = await open({ colorScheme, viewport: { width, height }, deviceScaleFactor: 1.5 });
        await page.locator(".ready").waitFor();
        await draw(page, DIGITS["3"] ?? []);
        await expectDigit(page, "3");
        await page.waitForTimeout(1200); // transitions
        await page.screenshot({ path: `${pictures}/digits-web-${colorScheme}-${name}.png` });
        await page.close();
      });
    }
  }
});
