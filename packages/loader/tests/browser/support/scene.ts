/** One test in a browser of its own profile: a site, a tab, and what must hold afterwards whatever happened. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, CDPSession, Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import type { Attempt, Outcome, PlainFeeds, Success } from "../page/harness.ts";
import type { AbortReport } from "../page/points.ts";
import type { Stored } from "../page/storage.ts";
import { launchChromium } from "./chromium.ts";
import { type Certificate, STAGE } from "./setup.ts";
import { openSite, packFile, type Site } from "./site.ts";

export interface Tab {
  readonly page: Page;
  readonly attempt: (attempt?: Attempt) => Promise<Outcome>;
  readonly again: (feeds: PlainFeeds) => Promise<Outcome>;
  readonly stream: (
    calls: readonly PlainFeeds[],
    initialState?: PlainFeeds,
  ) => Promise<readonly (readonly number[])[]>;
  readonly abortAtPoint: (attempt: Attempt, point: number) => Promise<AbortReport>;
  readonly stored: () => Promise<Stored>;
  /** Errors that nobody caught. */
  readonly uncaught: readonly string[];
}

export interface Scene {
  readonly site: Site;
  readonly tab: Tab;
  readonly context: BrowserContext;
  /** Another tab of the same profile. */
  readonly openTab: (url?: string) => Promise<Tab>;
  readonly protocol: () => Promise<CDPSession>;
}

export interface SceneOptions {
  readonly pack?: string;
  /** Where the first tab is opened; by default the site itself. */
  readonly url?: (site: Site) => string;
  /** Before anything is opened. */
  readonly prepare?: (site: Site, context: BrowserContext) => void | Promise<void>;
  readonly timeoutMs?: number;
  /** Serves over HTTP/2, encrypted. */
  readonly certificate?: Certificate | undefined;
  /** Entries that the test itself damaged are allowed to be there. */
  readonly mayStoreBad?: boolean;
}

export interface Expected {
  readonly feeds: PlainFeeds;
  readonly output: readonly number[];
}

let flags: readonly string[] = [];
let browser: Promise<Browser> | undefined;

/** Flags for the browser of this file's tests. */
export function useFlags(...given: readonly string[]): void {
  flags = given;
}

afterAll(async () => (await browser)?.close());

/** A test in a new profile of a real Chromium. */
export function scene(
  name: string,
  body: (scene: Scene) => Promise<void>,
  {
    pack = "stored",
    url = ({ origin }) => origin,
    prepare,
    timeoutMs = 120_000,
    mayStoreBad = false,
    certificate,
  }: SceneOptions = {},
): void {
  test(name, { timeout: timeoutMs }, async () => {
    browser ??= launchChromium(...flags);
    await using site = await openSite(pack, certificate);
    const context = await (await browser).newContext({ ignoreHTTPSErrors: true });
    try {
      await prepare?.(site, context);
      const tabs: Tab[] = [];
      const open = async (address?: string): Promise<Tab> => {
        const opened = await openTab(context, address ?? url(site));
        tabs.push(opened);
        return opened;
      };
      const tab = await open();
      const protocol = (): Promise<CDPSession> => context.newCDPSession(tab.page);
      await body({ site, tab, context, openTab: open, protocol });
      for (const each of tabs) await expectSound(each, mayStoreBad);
    } finally {
      await context.close();
    }
  });
}

/** No bad byte is stored and no error was lost. */
async function expectSound(tab: Tab, mayStoreBad: boolean): Promise<void> {
  expect(tab.uncaught).toEqual([]);
  if (!tab.page.isClosed() && !mayStoreBad) expect((await tab.stored()).bad).toEqual([]);
}

async function openTab(context: BrowserContext, url: string): Promise<Tab> {
  const page = await context.newPage();
  const uncaught: string[] = [];
  page.on("pageerror", (error) => void uncaught.push(String(error)));
  await page.goto(url);
  await page.waitForFunction(() => "harness" in globalThis);
  return {
    page,
    uncaught,
    attempt: (attempt = {}) => page.evaluate((given) => harness.attempt(given), attempt),
    again: (feeds) => page.evaluate((given) => harness.again(given), feeds),
    stream: (calls, initialState) =>
      page.evaluate(([given, state]) => harness.stream(given, state), [calls, initialState] as const),
    abortAtPoint: (attempt, point) =>
      page.evaluate(([given, number]) => harness.abortAtPoint(given, number), [attempt, point] as const),
    stored: () => page.evaluate(() => harness.stored()),
  };
}

/** What native onnxruntime makes of an input of the pack's model. */
export function expected(model: "digits" | "bands", pack = "stored"): Expected {
  const all = JSON.parse(readFileSync(join(STAGE, "packs", "expected.json"), "utf8")) as Record<
    string,
    Record<string, Expected>
  >;
  return all[pack]?.[model] as Expected;
}

// float32 sums in another order than native onnxruntime's; q8 rounds weights and activations to 8 bits.
const TOLERANCE = { fp32: 1e-4, q8: 0.5 } as const;

/** The model runs, and gives what native onnxruntime gives. */
export function expectWorks(
  outcome: Outcome,
  model: "digits" | "bands" = "digits",
  pack = "stored",
): asserts outcome is Success {
  expect(outcome).toMatchObject({ code: "OK" });
  const { output, variant } = outcome as Success;
  const right = expected(model, pack).output;
  expect(output).toHaveLength(right.length);
  const distance = Math.max(
    ...right.map((value, position) => Math.abs(value - (output[position] ?? Number.NaN))),
  );
  expect(distance).toBeLessThan(variant === "q8" ? TOLERANCE.q8 : TOLERANCE.fp32);
}

/** The paths of a variant's chunks, as the page asks for them. */
export function chunkPaths(model: string, variant: string, pack = "stored"): readonly string[] {
  const manifest = JSON.parse(readFileSync(packFile(pack, "manifest.json"), "utf8"));
  const { graph, externalData } = manifest.models[model].variants.find(
    (each: { id: string }) => each.id === variant,
  );
  const files = [graph, ...externalData.map(({ file }: { file: string }) => file)];
  const parts = files
    .flatMap((id: string) => manifest.files[id].parts)
    .filter((part: unknown) => typeof part === "number");
  return [...new Set(parts as number[])].map((position) => {
    const { hash, enc = {} } = manifest.chunks[position];
    const stored = manifest.delivery.mode === "stored";
    const ending = stored && enc.gzip ? ".g.bin" : stored && enc.zstd ? ".z.bin" : ".bin";
    return `/models/c/${hash}${ending}`;
  });
}

/** A pattern for exactly this path. */
export function exactly(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.")}$`);
}
