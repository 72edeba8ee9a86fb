/** L05–L09, L21, L23: what hosts and networks do to chunks. Once, and the model works; always, and the error says what. */
import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import type { Failure } from "./page/harness.ts";
import * as answers from "./support/answers.ts";
import { chunkPaths, exactly, expected, expectWorks, scene } from "./support/scene.ts";
import { selfSigned } from "./support/setup.ts";
import { type Answer, packFile, type Site } from "./support/site.ts";

const { feeds } = expected("digits");
const bands = expected("bands");
const [GRAPH, WEIGHTS] = chunkPaths("digits", "q8") as [string, string];
const BANDS = chunkPaths("bands", "fp32");
const LOAD = { feeds, options: { device: "wasm", variant: "q8", stallTimeoutMs: 2500 } } as const;
const LOAD_BANDS = {
  ref: { manifestUrl: "/models/manifest.json", model: "bands" },
  feeds: bands.feeds,
} as const;
const GRAPH_BYTES = readFileSync(packFile("stored", GRAPH.replace("/models/", "")));

interface Fault {
  readonly what: string;
  readonly answer: Answer;
  /** The code where it happens every time. */
  readonly code: string;
  readonly facts?: Partial<Failure>;
  /** Another one of its kind is tried in its place where each takes long. */
  readonly isOneOfMany?: boolean;
}

const status = (code: number, retryable: boolean): Fault => ({
  what: `status ${code}`,
  answer: answers.status(code),
  code: "CHUNK_FETCH",
  facts: { status: code, retryable },
  isOneOfMany: ![403, 404, 429, 503].includes(code),
});

const FAULTS: readonly Fault[] = [
  status(204, false),
  status(304, false),
  status(401, false),
  status(403, false),
  status(404, false),
  status(408, true),
  status(410, false),
  status(429, true),
  status(500, true),
  status(502, true),
  status(503, true),
  status(504, true),
  { what: "a part that nobody asked for", answer: answers.partial, code: "CHUNK_FETCH" },
  { what: "a web page", answer: answers.webPage, code: "NOT_BINARY", facts: { status: 200 } },
  { what: "nothing", answer: answers.empty, code: "CHUNK_INTEGRITY" },
  { what: "one byte less", answer: answers.shorter, code: "CHUNK_INTEGRITY" },
  { what: "one byte more", answer: answers.longer, code: "CHUNK_INTEGRITY" },
  { what: "one bit flipped", answer: answers.flipped, code: "CHUNK_INTEGRITY" },
  { what: "another chunk", answer: answers.bytes(() => GRAPH_BYTES), code: "CHUNK_INTEGRITY" },
  { what: "half, without a length", answer: answers.cutWithoutLength, code: "CHUNK_INTEGRITY" },
  {
    what: "half, then the end of the connection",
    answer: answers.cut,
    code: "CHUNK_FETCH",
    facts: { retryable: true },
  },
  { what: "half, then a reset", answer: answers.reset, code: "CHUNK_FETCH", facts: { retryable: true } },
  { what: "no answer", answer: answers.silent, code: "CHUNK_FETCH", facts: { retryable: true } },
  {
    what: "a head, then nothing",
    answer: answers.stalledAfter(0),
    code: "CHUNK_FETCH",
    facts: { retryable: true },
  },
  {
    what: "half, then nothing",
    answer: answers.stalledAfter(0.5),
    code: "CHUNK_FETCH",
    facts: { retryable: true },
  },
  { what: "an encoding that it has not", answer: answers.falselyEncoded, code: "CHUNK_FETCH" },
  { what: "an encoding that nobody mentions", answer: answers.encodedSilently, code: "CHUNK_INTEGRITY" },
  { what: "a bomb", answer: answers.bomb, code: "CHUNK_INTEGRITY" },
  { what: "a redirect to itself", answer: answers.redirect(WEIGHTS), code: "CHUNK_FETCH" },
];

describe("a chunk that arrives, once, as", () => {
  for (const { what, answer } of FAULTS) {
    scene(`${what} is fetched again`, async ({ site, tab }) => {
      site.script(exactly(WEIGHTS), answer);
      expectWorks(await tab.attempt(LOAD));
      expect((await tab.stored()).sound).toHaveLength(2);
    });
  }
});

describe("a chunk that arrives, always, as", () => {
  for (const { what, answer, code, facts = {} } of FAULTS.filter(({ isOneOfMany }) => !isOneOfMany)) {
    scene(`${what} ends in ${code}`, async ({ site, tab }) => {
      site.always(exactly(WEIGHTS), answer);
      const outcome = (await tab.attempt(LOAD)) as Failure;
      expect(outcome).toMatchObject({ code, ...facts, chunk: /c\/([0-9a-f]{64})/.exec(WEIGHTS)?.[1] });
      expect(outcome.url).toBe(site.origin + WEIGHTS);
      expect((await tab.stored()).sound.join()).not.toContain(outcome.chunk);
      site.clearScripts();
      expectWorks(await tab.attempt(LOAD)); // nothing of it is left
    });
  }
});

describe("a bad chunk in the HTTP cache", () => {
  scene("is passed by", async ({ site, tab }) => {
    site.cacheChunks();
    site.script(exactly(WEIGHTS), answers.flipped); // immutable: an ordinary second request would find it again
    expectWorks(await tab.attempt(LOAD));
  });
});

describe("a chunk that is stored compressed", () => {
  const load = { ...LOAD_BANDS, options: { retries: 1 } };
  const first = exactly(BANDS[1] as string);

  scene("works", async ({ tab }) => {
    expect(BANDS[1]).toMatch(/\.z\.bin$/);
    expectWorks(await tab.attempt(LOAD_BANDS), "bands");
  });
  scene("with one bit flipped ends in CHUNK_INTEGRITY", async ({ site, tab }) => {
    site.always(first, answers.flipped);
    expect(await tab.attempt(load)).toMatchObject({ code: "CHUNK_INTEGRITY" });
  });
  scene("as an empty frame ends in CHUNK_INTEGRITY", async ({ site, tab }) => {
    site.always(
      first,
      answers.bytes(() => Buffer.from("28b52ffd2000010000", "hex")),
    );
    expect(await tab.attempt(load)).toMatchObject({ code: "CHUNK_INTEGRITY" });
  });
  scene("and that the host has decoded works", async ({ site, tab }) => {
    site.always(/\.z\.bin$/, answers.unzstd);
    expectWorks(await tab.attempt(LOAD_BANDS), "bands");
  });
  scene("and encoded once more on the way works", async ({ site, tab }) => {
    site.always(/\/c\//, answers.encodedOnTheWay);
    expectWorks(await tab.attempt(LOAD_BANDS), "bands");
  });
  scene("is decoded beside the page, not in it", async ({ site, tab }) => {
    expectWorks(await tab.attempt(LOAD_BANDS), "bands");
    const decoders = site.log.map(({ path }) => path).filter((path) => path.includes("zstd"));
    expect(decoders).toEqual(["/loader/zstd-worker.js"]);
    const isThere = (): boolean => tab.page.workers().some((worker) => worker.url().includes("zstd"));
    await expect.poll(isThere).toBe(false);
  });
  scene("has its decoder asked for beside it, not after it", async ({ site, tab }) => {
    site.always(/\.z\.bin$/, answers.silent);
    expect(await tab.attempt(load)).toMatchObject({ code: "CHUNK_FETCH" });
    expect(site.log.some(({ path }) => path.endsWith("/zstd-worker.js"))).toBe(true);
  });
  scene(
    "is decoded in the page under a policy that demands trusted types",
    async ({ site, tab }) => {
      expectWorks(await tab.attempt(LOAD_BANDS), "bands");
      expect(site.log.some(({ path }) => path.endsWith("/zstd.js"))).toBe(true);
    },
    {
      prepare: (site) =>
        void Object.assign(site.headers, {
          "content-security-policy":
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
            "require-trusted-types-for 'script'; trusted-types modelpack",
        }),
    },
  );
  scene("is decoded in the page where there is no worker for it", async ({ site, tab }) => {
    site.always(/zstd-worker\.js$/, answers.status(404));
    expectWorks(await tab.attempt(LOAD_BANDS), "bands");
    expect(site.log.some(({ path }) => path.endsWith("/zstd.js"))).toBe(true);
  });
  scene("whose decoder is not published ends in CHUNK_FETCH", async ({ site, tab }) => {
    site.always(/zstd(-worker)?\.js$/, answers.status(404));
    expect(await tab.attempt(load)).toMatchObject({ code: "CHUNK_FETCH", retryable: true });
  });
});

describe("slowness", () => {
  scene("is no failure while bytes arrive", async ({ site, tab }) => {
    site.script(exactly(WEIGHTS), answers.dribbled(10, 150));
    const outcome = await tab.attempt({ ...LOAD, options: { ...LOAD.options, retries: 1 } });
    expectWorks(outcome);
    expect(outcome.tookMs).toBeGreaterThan(1300); // longer than the 900 ms without a byte that would be a stall
  });
  scene("is waited for as long as the host asks, in seconds", async ({ site, tab }) => {
    site.script(exactly(WEIGHTS), answers.status(503, { "retry-after": "1" }));
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome);
    expect(outcome.tookMs).toBeGreaterThan(1000);
  });
  scene("is waited for as long as the host asks, until a date", async ({ site, tab }) => {
    const date = new Date(Date.now() + 3000).toUTCString();
    site.script(exactly(WEIGHTS), answers.status(429, { "retry-after": date }));
    const outcome = await tab.attempt(LOAD);
    expectWorks(outcome);
    expect(outcome.tookMs).toBeGreaterThan(500); // a date has no fractions of seconds
  });
  scene("can be aborted while it is waited for", async ({ site, tab }) => {
    site.script(exactly(WEIGHTS), answers.status(429, { "retry-after": "86400" }));
    const outcome = await tab.attempt({ ...LOAD, abortAfterMs: 700 });
    expect(outcome).toMatchObject({ code: "ABORTED", name: "AbortError" });
    expect(outcome.tookMs).toBeLessThan(50_000); // the host asked for a day
  });
  scene("a nonsensical request to wait is ignored", async ({ site, tab }) => {
    site.script(exactly(WEIGHTS), answers.status(503, { "retry-after": "soon" }));
    expectWorks(await tab.attempt(LOAD));
  });
});

describe("another origin", () => {
  const other = ({ port }: Site): string => `http://elsewhere.test:${port}`;
  const away = (site: Site) => ({
    ...LOAD,
    ref: { manifestUrl: `${other(site)}/models/manifest.json`, model: "digits" },
  });
  const allow = { "access-control-allow-origin": "*" };

  scene("works with CORS", async ({ site, tab }) => {
    Object.assign(site.headers, allow);
    expectWorks(await tab.attempt(away(site)));
  });
  scene("without CORS ends in MANIFEST_FETCH that names the header", async ({ site, tab }) => {
    const outcome = (await tab.attempt(away(site))) as Failure;
    expect(outcome).toMatchObject({ code: "MANIFEST_FETCH", retryable: true });
    expect(outcome.hint).toContain("Access-Control-Allow-Origin");
  });
  scene(
    "with CORS for the manifest alone ends in CHUNK_FETCH that names the header",
    async ({ site, tab }) => {
      site.always(
        /manifest\.json$/,
        ({ response, served }) => void response.writeHead(200, allow).end(served.body),
      );
      const outcome = (await tab.attempt(away(site))) as Failure;
      expect(outcome).toMatchObject({ code: "CHUNK_FETCH", retryable: true });
      expect(outcome.hint).toContain("Access-Control-Allow-Origin");
    },
  );
  scene("to which a chunk is redirected works with CORS", async ({ site, tab }) => {
    Object.assign(site.headers, allow);
    site.script(exactly(WEIGHTS), answers.redirect(other(site) + WEIGHTS));
    expectWorks(await tab.attempt({ ...LOAD, options: { ...LOAD.options, retries: 1 } }));
  });
  scene("to which a chunk is redirected without CORS ends in CHUNK_FETCH", async ({ site, tab }) => {
    site.script(exactly(WEIGHTS), answers.redirect(other(site) + WEIGHTS));
    const outcome = (await tab.attempt({ ...LOAD, options: { ...LOAD.options, retries: 1 } })) as Failure;
    expect(outcome).toMatchObject({ code: "CHUNK_FETCH", url: site.origin + WEIGHTS });
  });
  scene("is asked when the first has no chunks", async ({ site, tab }) => {
    Object.assign(site.headers, allow);
    site.always(/^\/models\/c\//, answers.status(404));
    site.always(/^\/mirror\//, ({ response, request }) => {
      const name = request.url?.replace("/mirror/", "") as string;
      response.writeHead(200, allow).end(readFileSync(packFile("stored", name)));
    });
    expectWorks(
      await tab.attempt({ ...LOAD, options: { ...LOAD.options, mirrors: [`${other(site)}/mirror/`] } }),
    );
  });
});

describe("many chunks", () => {
  const slow = (site: Site): void => site.always(/^\/models\/c\//, answers.dribbled(2, 250));

  scene("are fetched six at once", async ({ site, tab }) => {
    slow(site);
    expect(await tab.attempt({ ...LOAD_BANDS, does: "preload" })).toMatchObject({ code: "OK" });
    expect(site.peak()).toBe(6);
    expect(new Set(site.chunkRequests())).toEqual(new Set(BANDS));
    expect(site.chunkRequests()).toHaveLength(BANDS.length);
  });
  scene("are fetched three at once beside onnxruntime", async ({ site, tab }) => {
    slow(site);
    const peaks: number[] = [];
    const honest: typeof answers.honest = (exchange) => {
      // The rest of the weights cannot be there before the runtime: half of them wait for it.
      const wait = (): void => {
        if (new Set(site.chunkRequests()).size < BANDS.length / 2) return void setTimeout(wait, 20);
        peaks.push(site.peak());
        answers.honest(exchange);
      };
      wait();
    };
    site.always(/\.wasm$/, honest);
    expectWorks(await tab.attempt(LOAD_BANDS), "bands");
    expect(peaks).toEqual([3]);
  });
  scene("are fetched two at once where the visitor saves data", async ({ site, tab }) => {
    slow(site);
    expectWorks(await tab.attempt({ ...LOAD_BANDS, options: { facts: { saveData: true } } }), "bands");
    expect(site.peak()).toBe(2);
  });
  scene("all fail together, and only once", async ({ site, tab }) => {
    site.always(/^\/models\/c\//, answers.status(500));
    expect(await tab.attempt(LOAD_BANDS)).toMatchObject({ code: "CHUNK_FETCH", status: 500 });
    const asked = site.chunkRequests().length;
    await tab.page.waitForTimeout(300);
    expect(site.chunkRequests()).toHaveLength(asked); // nothing goes on after the error
    expect(asked).toBeLessThanOrEqual(6 * 3);
  });
  scene("survive a flapping network", async ({ site, tab }) => {
    for (const path of BANDS) site.script(exactly(path), answers.reset, answers.status(503));
    expectWorks(await tab.attempt(LOAD_BANDS), "bands");
  });
});

const certificate = selfSigned();

describe.skipIf(!certificate)("over HTTP/2 (needs openssl)", () => {
  scene(
    "no more than six are asked for at once, though the browser would allow it",
    async ({ site, tab }) => {
      site.always(/^\/models\/c\//, answers.dribbled(2, 250));
      expect(await tab.attempt({ ...LOAD_BANDS, does: "preload" })).toMatchObject({ code: "OK" });
      expect(site.peak()).toBe(6);
    },
    { certificate },
  );
  scene(
    "more are asked for where the page wants it",
    async ({ site, tab }) => {
      site.always(/^\/models\/c\//, answers.dribbled(2, 400));
      expectWorks(await tab.attempt({ ...LOAD_BANDS, options: { concurrency: 10 } }), "bands");
      expect(site.peak()).toBe(10);
    },
    { certificate },
  );
  scene(
    "connections that are told to go away are replaced",
    async ({ site, tab }) => {
      site.always(/^\/models\/c\//, answers.dribbled(4, 60));
      for (const path of [BANDS[1], BANDS[7]] as string[]) {
        site.script(exactly(path), (exchange) => {
          site.goAway();
          answers.honest(exchange);
        });
      }
      expectWorks(await tab.attempt(LOAD_BANDS), "bands");
    },
    { certificate },
  );
});
