/** L01–L03, L20: manifests that are missing, damaged, of another version or another build, or an attack. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import type { Failure } from "./page/harness.ts";
import * as answers from "./support/answers.ts";
import { expected, expectWorks, scene } from "./support/scene.ts";
import { type Answer, packFile } from "./support/site.ts";

const { feeds } = expected("digits");
const LOAD = { feeds, options: { device: "wasm", stallTimeoutMs: 2500 } } as const;
const MANIFEST = /^\/models\/manifest\.json$/;
const RIGHT = readFileSync(packFile("stored", "manifest.json"), "utf8");
const HOSTILE = new URL("../../../../tests/fixtures/hostile_manifests/", import.meta.url);

interface Fault {
  readonly what: string;
  readonly answer: Answer;
  readonly code: string;
  readonly facts?: Partial<Failure>;
}

const FAULTS: readonly Fault[] = [
  {
    what: "status 404",
    answer: answers.status(404),
    code: "MANIFEST_FETCH",
    facts: { status: 404, retryable: false },
  },
  {
    what: "status 500",
    answer: answers.status(500),
    code: "MANIFEST_FETCH",
    facts: { status: 500, retryable: true },
  },
  {
    what: "status 429",
    answer: answers.status(429),
    code: "MANIFEST_FETCH",
    facts: { status: 429, retryable: true },
  },
  { what: "a web page", answer: answers.webPage, code: "MANIFEST_FETCH" },
  { what: "nothing", answer: answers.empty, code: "MANIFEST_INTEGRITY" },
  { what: "half of it", answer: answers.cutWithoutLength, code: "MANIFEST_INTEGRITY" },
  {
    what: "half, then the end of the connection",
    answer: answers.cut,
    code: "MANIFEST_FETCH",
    facts: { retryable: true },
  },
  { what: "no answer", answer: answers.silent, code: "MANIFEST_FETCH", facts: { retryable: true } },
  {
    what: "half, then nothing",
    answer: answers.stalledAfter(0.5),
    code: "MANIFEST_FETCH",
    facts: { retryable: true },
  },
  {
    what: "33 MiB",
    answer: answers.bytes(() => Buffer.alloc(33 * 2 ** 20, " ")),
    code: "MANIFEST_INTEGRITY",
  },
  {
    what: "UTF-16",
    answer: answers.bytes((body) => Buffer.from(`${body}`, "utf16le")),
    code: "MANIFEST_INTEGRITY",
  },
  { what: "an encoding that it has not", answer: answers.falselyEncoded, code: "MANIFEST_FETCH" },
  { what: "an endless redirect", answer: answers.redirect("/models/manifest.json"), code: "MANIFEST_FETCH" },
];

describe("a manifest that arrives as", () => {
  for (const { what, answer, code, facts = {} } of FAULTS) {
    scene(`${what} ends in ${code}, and nothing else is fetched`, async ({ site, tab }) => {
      site.always(MANIFEST, answer);
      expect(await tab.attempt(LOAD)).toMatchObject({
        code,
        ...facts,
        url: `${site.origin}/models/manifest.json`,
      });
      expect(site.chunkRequests()).toEqual([]);
    });
  }
  scene("nothing is asked for again by the next load", async ({ site, tab }) => {
    site.script(MANIFEST, answers.empty);
    expect(await tab.attempt(LOAD)).toMatchObject({ code: "MANIFEST_INTEGRITY" });
    expectWorks(await tab.attempt(LOAD));
  });
  scene("a web page is called one", async ({ site, tab }) => {
    site.always(MANIFEST, answers.webPage);
    expect(((await tab.attempt(LOAD)) as Failure).message).toContain("is a web page");
  });
  scene("a redirect works", async ({ site, tab }) => {
    site.always(/^\/models\/latest\.json$/, answers.redirect("/models/manifest.json"));
    expectWorks(await tab.attempt({ ...LOAD, ref: { manifestUrl: "/models/latest.json", model: "digits" } }));
  });
  scene("encoded on the way works", async ({ site, tab }) => {
    site.always(MANIFEST, answers.encodedOnTheWay);
    expectWorks(await tab.attempt(LOAD));
  });
});

describe("a manifest of", () => {
  scene("a later version ends in MANIFEST_VERSION", async ({ site, tab }) => {
    site.put("/models/manifest.json", RIGHT.replace('"manifestVersion":1', '"manifestVersion":2'));
    expect(await tab.attempt(LOAD)).toMatchObject({ code: "MANIFEST_VERSION", retryable: false });
    expect(site.chunkRequests()).toEqual([]);
  });
  scene("this version with fields of a later one works", async ({ site, tab }) => {
    site.put("/models/manifest.json", JSON.stringify({ ...JSON.parse(RIGHT), later: { deep: [1, null] } }));
    expectWorks(await tab.attempt(LOAD));
  });
});

describe("a pin", () => {
  const sha256 = createHash("sha256").update(RIGHT).digest("hex");
  const pinned = (pin: string) => ({
    ...LOAD,
    ref: { manifestUrl: "/models/manifest.json", model: "digits", sha256: pin },
  });

  scene("that holds works, and the manifest is not asked for again", async ({ site, tab }) => {
    expectWorks(await tab.attempt(pinned(sha256)));
    site.log.splice(0);
    expectWorks(await tab.attempt(pinned(sha256)));
    expect(site.log.filter(({ path }) => path.startsWith("/models/"))).toEqual([]);
  });
  scene(
    "that does not hold ends in MANIFEST_INTEGRITY, and nothing else is fetched",
    async ({ site, tab }) => {
      expect(await tab.attempt(pinned("0".repeat(64)))).toMatchObject({ code: "MANIFEST_INTEGRITY" });
      expect(site.chunkRequests()).toEqual([]);
    },
  );
  scene("that does not hold any more ends in MANIFEST_INTEGRITY", async ({ site, tab }) => {
    site.publish("redeployed");
    expect(await tab.attempt(pinned(sha256))).toMatchObject({ code: "MANIFEST_INTEGRITY" });
  });
});

scene("hostile manifests are refused, one by one, and nothing else is fetched", async ({ site, tab }) => {
  const index = JSON.parse(readFileSync(new URL("index.json", HOSTILE), "utf8")) as {
    readonly file: string;
    readonly refusedBy: readonly string[];
  }[];
  for (const file of readdirSync(HOSTILE)) site.put(`/hostile/${file}`, readFileSync(new URL(file, HOSTILE)));
  for (const { file, refusedBy } of index) {
    const ref = { manifestUrl: `/hostile/${file}`, model: "m" };
    const { code } = await tab.attempt({ ref, does: "plan" });
    if (refusedBy.includes("loader"))
      expect([file, code]).toEqual([file, expect.stringMatching(/^MANIFEST_/)]);
    else expect([file, code]).toEqual([file, expect.stringMatching(/^(OK|USAGE)$/)]);
  }
  expect(site.log.filter(({ path }) => path.includes("/c/"))).toEqual([]);
});
