/**
 * A site with a page, the loader, onnxruntime-web and a pack, whose answers can be scripted and whose requests are recorded.
 * Its files are served as a good host would: immutable chunks, a manifest that is asked for again, encodings as negotiated.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import { createRequire } from "node:module";
import type { AddressInfo, Socket } from "node:net";
import { dirname, extname, join } from "node:path";
import { type Certificate, STAGE } from "./setup.ts";

export interface Served {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What the site would have sent. */
  readonly served: Served;
}

export type Answer = (exchange: Exchange) => void;

export interface Logged {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export interface Site extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  /** Every request since the site was opened or the log was cleared. */
  readonly log: Logged[];
  /** Added to everything that is sent. */
  readonly headers: Record<string, string>;
  /** Lets the HTTP cache keep chunks, as hosts do. Not by default: the log tells what the loader asks for. */
  readonly cacheChunks: () => void;
  /** Most chunk requests that were open at the same time. */
  readonly peak: () => number;
  /** Serves this pack at /models/ from now on. */
  readonly publish: (pack: string) => void;
  /** Serves this in place of, or beside, what is there. */
  readonly put: (path: string, body: string | Uint8Array, headers?: Record<string, string>) => void;
  /** Answers requests for paths that match: one answer each, in order, after which the site answers again. */
  readonly script: (match: RegExp, ...answers: readonly Answer[]) => void;
  /** Answers all requests for paths that match. */
  readonly always: (match: RegExp, answer: Answer) => void;
  readonly clearScripts: () => void;
  /** Over HTTP/2: tells every connection to go away; what it has begun it may finish. */
  readonly goAway: () => void;
  /** The paths of chunks that were asked for, in order. */
  readonly chunkRequests: () => readonly string[];
}

interface Script {
  readonly match: RegExp;
  readonly answers: Answer[];
  readonly forever: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};
const ENCODINGS = [
  [".br", "br"],
  [".zst", "zstd"],
  [".gz", "gzip"],
] as const;
const ORT = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
const PAGE = '<!doctype html><title>loader</title><script type="module" src="/harness.js"></script>';
const IMMUTABLE = "public, max-age=31536000, immutable";
const CHUNK = /^\/models\/c\//;

/** A site that serves `pack`, on a port of its own; with a certificate over HTTP/2. */
export async function openSite(pack: string, certificate?: Certificate): Promise<Site> {
  const log: Logged[] = [];
  const headers: Record<string, string> = {};
  const extra = new Map<string, Served>([
    ["/", { body: Buffer.from(PAGE), headers: { "content-type": "text/html" } }],
  ]);
  let scripts: Script[] = [];
  let published = pack;
  let caching = "no-store";
  let open = 0;
  let peak = 0;

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = new URL(request.url ?? "/", "http://site").pathname;
    log.push({ path, headers: request.headers });
    if (CHUNK.test(path)) {
      open += 1;
      peak = Math.max(peak, open);
      // Once it is sent: the page may ask for the next before this one's connection is told to be free.
      const free = (): void => {
        open -= 1;
      };
      response.once("finish", free).once("close", () => response.writableFinished || free());
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const served = extra.get(path) ?? read(path, { pack: published, caching }, request);
    (scripted(scripts, path) ?? sendServed)({ request, response, served: served ?? NOT_FOUND });
  };
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const server = certificate ? secureServer(certificate, answer, sessions) : createServer(answer);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${certificate ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    log,
    headers,
    cacheChunks: () => {
      caching = IMMUTABLE;
    },
    peak: () => peak,
    publish: (name) => {
      published = name;
    },
    put: (path, body, given = {}) => {
      const type = TYPES[extname(path)] ?? "application/octet-stream";
      extra.set(path, { body: Buffer.from(body), headers: { "content-type": type, ...given } });
    },
    script: (match, ...answers) => void scripts.unshift({ match, answers: [...answers], forever: false }),
    always: (match, answer) => void scripts.unshift({ match, answers: [answer], forever: true }),
    clearScripts: () => {
      scripts = [];
    },
    goAway: () => {
      for (const session of sessions) session.goaway();
    },
    chunkRequests: () => log.map(({ path }) => path).filter((path) => CHUNK.test(path)),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => void server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Over HTTP/2, whose requests and responses have all that is used of HTTP/1's. */
function secureServer(
  certificate: Certificate,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  sessions: Set<ServerHttp2Session>,
): Server {
  const server = createSecureServer(certificate, answer as never);
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  return server as never;
}

/** Sends what the site would have sent. */
export const sendServed: Answer = ({ response, served }) => {
  const status = served === NOT_FOUND ? 404 : 200;
  response.writeHead(status, { ...served.headers, "content-length": served.body.length }).end(served.body);
};

const NOT_FOUND: Served = { body: Buffer.from("not found"), headers: { "content-type": "text/plain" } };

function scripted(scripts: readonly Script[], path: string): Answer | undefined {
  const script = scripts.find(({ match, answers }) => answers.length > 0 && match.test(path));
  return script?.forever ? script.answers[0] : script?.answers.shift();
}

function read(
  path: string,
  { pack, caching }: { readonly pack: string; readonly caching: string },
  request: IncomingMessage,
): Served | undefined {
  const file = place(path, pack);
  if (!file || !existsSync(file) || !statSync(file).isFile()) return undefined;
  const isChunk = CHUNK.test(path);
  const headers = {
    "content-type": TYPES[extname(path)] ?? "application/octet-stream",
    "cache-control": isChunk ? caching : path.endsWith(".wasm") ? IMMUTABLE : "no-cache",
  };
  const accepted = isChunk ? String(request.headers["accept-encoding"] ?? "").split(/,\s*/) : [];
  for (const [ending, encoding] of ENCODINGS) {
    if (!accepted.includes(encoding) || !existsSync(file + ending)) continue;
    return { body: readFileSync(file + ending), headers: { ...headers, "content-encoding": encoding } };
  }
  return { body: readFileSync(file), headers };
}

function place(path: string, pack: string): string | undefined {
  const [, first, ...rest] = path.split("/");
  if (first === "harness.js") return join(STAGE, first);
  if (first === "loader") return join(STAGE, "loader", ...rest);
  if (first === "ort") return join(ORT, ...rest);
  return first === "models" ? packFile(pack, rest.join("/")) : undefined;
}

/** The path of a file of a pack. */
export function packFile(pack: string, name: string): string {
  return join(STAGE, "packs", pack, "packs", name);
}
