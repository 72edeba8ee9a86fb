import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type DownloadOptions, fetchChunk } from "../src/download.ts";
import type { ModelpackError } from "../src/errors.ts";
import type { Chunk, Delivery } from "../src/manifest.ts";
import { hasherOf } from "../src/verify.ts";
import { noise, sha256 } from "./support/packs.ts";
import {
  breaksAfter,
  neverAnswers,
  refuses,
  type ScriptedServer,
  scriptedServer,
  sends,
  stallsAfter,
} from "./support/server.ts";

const PLAIN = noise(1, 5000);
const TEXT = new Uint8Array(Buffer.from("a line that repeats\n".repeat(400)));
const GZIP = new Uint8Array(gzipSync(TEXT));
const plainChunk: Chunk = { hash: sha256(PLAIN), size: PLAIN.length, enc: {}, transfer: PLAIN.length };
const gzipChunk: Chunk = {
  hash: sha256(TEXT),
  size: TEXT.length,
  enc: { gzip: GZIP.length },
  transfer: GZIP.length,
};
const plainPath = `/c/${plainChunk.hash}.bin`;
const gzipPath = `/c/${gzipChunk.hash}.g.bin`;
const stored: Delivery = { base: "./", chunkUrl: "c/{hash}{ext}", mode: "stored", mirrors: [] };
const HTML = "<!doctype html><title>app</title>";

let server: ScriptedServer;
beforeEach(async () => {
  server = await scriptedServer();
});
afterEach(() => server[Symbol.asyncDispose]());

function options(changes: Partial<DownloadOptions> = {}): DownloadOptions {
  return {
    manifestUrl: `${server.url}/manifest.json`,
    delivery: stored,
    mirrors: [],
    fetch,
    hasher: hasherOf(crypto.subtle, "required"),
    retries: 3,
    retryDelayMs: 1,
    stallTimeoutMs: 2000,
    ...changes,
  };
}

async function get(chunk: Chunk, changes: Partial<DownloadOptions> = {}): Promise<Uint8Array> {
  const target = new Uint8Array(chunk.size);
  await fetchChunk(chunk, target, options(changes), new AbortController().signal, () => undefined);
  return target;
}

async function failure(chunk: Chunk, changes: Partial<DownloadOptions> = {}): Promise<ModelpackError> {
  return get(chunk, changes).then(
    () => expect.unreachable("it was accepted"),
    (error: ModelpackError) => error,
  );
}

describe("what is right is given back", () => {
  test("plain", async () => {
    server.on(plainPath, sends(PLAIN));
    expect(await get(plainChunk)).toEqual(PLAIN);
    expect(server.paths()).toEqual([plainPath]);
  });

  test("stored as gzip", async () => {
    server.on(gzipPath, sends(GZIP));
    expect(await get(gzipChunk)).toEqual(TEXT);
  });

  test("stored as gzip, and decoded by a host that believes the file's magic", async () => {
    server.on(gzipPath, sends(TEXT));
    expect(await get(gzipChunk)).toEqual(TEXT);
  });

  test("stored as gzip, and sent with Content-Encoding", async () => {
    server.on(gzipPath, (response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(GZIP));
    expect(await get(gzipChunk)).toEqual(TEXT);
  });

  test("plain on a host that negotiates encodings, which is asked for the plain name", async () => {
    const path = `/c/${gzipChunk.hash}.bin`;
    server.on(path, (response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(GZIP));
    expect(await get(gzipChunk, { delivery: { ...stored, mode: "transport" } })).toEqual(TEXT);
  });

  test("whatever the content type says", async () => {
    server.on(plainPath, sends(PLAIN, "text/html"));
    expect(await get(plainChunk)).toEqual(PLAIN);
  });

  test("in pieces, with the share that has come so far", async () => {
    server.on(plainPath, (response) => {
      response.writeHead(200);
      response.write(PLAIN.subarray(0, 1000), () => setTimeout(() => response.end(PLAIN.subarray(1000)), 20));
    });
    const shares: number[] = [];
    await fetchChunk(plainChunk, new Uint8Array(5000), options(), new AbortController().signal, (share) =>
      shares.push(share),
    );
    expect(shares[0]).toBe(0.2);
    expect(shares.at(-1)).toBe(1);
  });
});

describe("one bad answer is tried again, past the HTTP cache", () => {
  test.each([
    ["status 500", refuses(500)],
    ["status 503 with Retry-After", refuses(503, { "retry-after": "0" })],
    ["status 429 with a date in the past", refuses(429, { "retry-after": "Mon, 01 Jan 2024 00:00:00 GMT" })],
    ["status 404 (an edge that has not got it yet)", refuses(404)],
    ["nothing at all", sends("")],
    ["206 that nobody asked for", sends(PLAIN, "application/octet-stream", 206)],
    ["too few bytes", sends(PLAIN.subarray(1))],
    ["too many bytes", sends(new Uint8Array([...PLAIN, 0]))],
    ["one flipped bit", sends(PLAIN.map((byte, position) => (position === 77 ? byte ^ 1 : byte)))],
    ["a web page", sends(HTML, "text/html; charset=utf-8")],
    ["a connection that breaks before anything", breaksAfter(PLAIN, 0)],
    ["a connection that breaks in the middle", breaksAfter(PLAIN, 2000)],
  ])("%s", async (_, answer) => {
    server.on(plainPath, answer, sends(PLAIN));
    expect(await get(plainChunk)).toEqual(PLAIN);
    expect(server.paths()).toEqual([plainPath, plainPath]);
    expect(server.log[0]?.cacheControl).toBeUndefined();
    expect(server.log[1]?.cacheControl).toBe("no-cache");
  });

  test.each([
    ["no answer", neverAnswers],
    ["a stall before the first byte", stallsAfter(PLAIN, 0)],
    ["a stall in the middle", stallsAfter(PLAIN, 3000)],
  ])("%s", async (_, answer) => {
    server.on(plainPath, answer, sends(PLAIN));
    expect(await get(plainChunk, { stallTimeoutMs: 60 })).toEqual(PLAIN);
  });

  test("a slow answer that keeps coming is no stall", async () => {
    server.on(plainPath, (response) => {
      response.writeHead(200);
      let sent = 0;
      const timer = setInterval(() => {
        if (sent === 5000) {
          clearInterval(timer);
          response.end();
          return;
        }
        response.write(PLAIN.subarray(sent, sent + 500));
        sent += 500;
      }, 20);
    });
    expect(await get(plainChunk, { stallTimeoutMs: 150 })).toEqual(PLAIN);
    expect(server.paths()).toHaveLength(1);
  });

  test.each([
    ["damaged gzip", sends(GZIP.map((byte, position) => (position === 40 ? byte ^ 1 : byte)))],
    ["gzip that is cut off", sends(GZIP.subarray(0, -3))],
    ["gzip of the right length that decodes to more", sends(bomb(GZIP.length))],
    ["something else of the right length", sends(noise(9, GZIP.length))],
  ])("%s", async (_, answer) => {
    server.on(gzipPath, answer, sends(GZIP));
    expect(await get(gzipChunk)).toEqual(TEXT);
  });
});

describe("what stays bad is refused with an error that names it", () => {
  test.each([
    ["status 500", refuses(500), { code: "CHUNK_FETCH", status: 500, retryable: true }],
    ["status 404", refuses(404), { code: "CHUNK_FETCH", status: 404, retryable: false }],
    ["status 403", refuses(403), { code: "CHUNK_FETCH", status: 403, retryable: false }],
    [
      "206",
      sends(PLAIN, "application/octet-stream", 206),
      { code: "CHUNK_FETCH", status: 206, retryable: false },
    ],
    ["a web page", sends(HTML, "text/html"), { code: "NOT_BINARY", status: 200, retryable: false }],
    ["other bytes", sends(noise(2, 5000)), { code: "CHUNK_INTEGRITY", status: 200, retryable: false }],
    ["fewer bytes", sends(PLAIN.subarray(9)), { code: "CHUNK_INTEGRITY", status: 200, retryable: false }],
    ["more bytes", sends(noise(2, 9000)), { code: "CHUNK_INTEGRITY", status: 200, retryable: false }],
    [
      "a broken connection",
      breaksAfter(PLAIN, 10),
      { code: "CHUNK_FETCH", status: undefined, retryable: true },
    ],
  ])("%s", async (_, answer, expected) => {
    server.on(plainPath, answer);
    const error = await failure(plainChunk);
    expect(error).toMatchObject({ ...expected, chunk: plainChunk.hash, url: server.url + plainPath });
    expect(error.message).toContain(server.url + plainPath);
    expect(server.paths()).toHaveLength(3);
  });

  test("a stall", async () => {
    server.on(plainPath, stallsAfter(PLAIN, 4000));
    const error = await failure(plainChunk, { stallTimeoutMs: 30 });
    expect(error).toMatchObject({ code: "CHUNK_FETCH", retryable: true });
    expect(error.message).toContain("nothing arrived for 30 ms");
  });

  test("a host that nobody answers at", async () => {
    const error = await failure(plainChunk, { manifestUrl: "http://127.0.0.1:9/manifest.json" });
    expect(error).toMatchObject({ code: "CHUNK_FETCH", retryable: true });
    expect(error.hint).toContain("Access-Control-Allow-Origin");
  });

  test("with one try where no more are wanted", async () => {
    server.on(plainPath, refuses(500));
    await failure(plainChunk, { retries: 1 });
    expect(server.paths()).toHaveLength(1);
  });
});

describe("mirrors", () => {
  test("come after the second try, and are believed no more than the host", async () => {
    await using other = await scriptedServer();
    await using third = await scriptedServer();
    server.on(plainPath, refuses(503));
    other.on(`/copy${plainPath}`, sends(noise(5, 5000)));
    third.on(plainPath, sends(PLAIN));
    expect(await get(plainChunk, { mirrors: [`${other.url}/copy/`, `${third.url}/`] })).toEqual(PLAIN);
    expect([server.paths().length, other.paths().length, third.paths().length]).toEqual([2, 1, 1]);
  });

  test("of the manifest are used too", async () => {
    await using other = await scriptedServer();
    other.on(plainPath, sends(PLAIN));
    expect(await get(plainChunk, { delivery: { ...stored, mirrors: [`${other.url}/`] } })).toEqual(PLAIN);
  });
});

describe("Retry-After", () => {
  test.each([
    ["1", 1000],
    ["9999999", 60_000],
    ["soon", undefined],
  ])("%s is waited for, up to a minute", async (value, expectedMs) => {
    const delays: number[] = [];
    const real = globalThis.setTimeout;
    const answers = [
      new Response(null, { status: 429, headers: { "retry-after": value } }),
      new Response(PLAIN),
    ];
    globalThis.setTimeout = ((work: () => void, delayMs: number) => {
      delays.push(delayMs);
      return real(work, delayMs === 5000 ? delayMs : 0);
    }) as typeof setTimeout;
    try {
      await get(plainChunk, {
        fetch: async () => answers.shift() as Response,
        stallTimeoutMs: 5000,
        retryDelayMs: 8,
      }).catch(() => undefined);
    } finally {
      globalThis.setTimeout = real;
    }
    const waited = delays.filter((delayMs) => delayMs !== 5000);
    if (expectedMs === undefined) expect(waited[0]).toBeLessThanOrEqual(12);
    else expect(waited[0]).toBe(expectedMs);
  });
});

/** gzip of zeros, padded by a comment to `size` bytes, that decodes to far more than the chunk. */
function bomb(size: number): Uint8Array {
  const zeros = gzipSync(new Uint8Array(30_000));
  const name = Buffer.alloc(size - zeros.length - 1, 65);
  const header = Buffer.from(zeros.subarray(0, 10));
  header[3] = 8; // a file name follows
  return Buffer.concat([header, name, Buffer.of(0), zeros.subarray(10)]);
}
