/** An HTTP server that answers by a script: each path has a list of answers, the last of which repeats. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface Logged {
  readonly path: string;
  readonly cacheControl: string | undefined;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly log: Logged[];
  /** The paths that were asked for, in order. */
  readonly paths: () => readonly string[];
  readonly on: (path: string, ...answers: readonly Answer[]) => void;
}

export function sends(
  body: Uint8Array | string,
  type: string = "application/octet-stream",
  status: number = 200,
): Answer {
  return (response) => void response.writeHead(status, { "content-type": type }).end(body);
}

export function refuses(status: number, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end();
}

/** Sends the first bytes and then nothing. */
export function stallsAfter(body: Uint8Array, count: number): Answer {
  return (response) => {
    response.writeHead(200, { "content-length": body.length });
    response.write(body.subarray(0, count));
  };
}

/** Sends the first bytes and then cuts the connection. */
export function breaksAfter(body: Uint8Array, count: number): Answer {
  return (response) => {
    response.writeHead(200, { "content-length": body.length });
    response.write(body.subarray(0, count), () => response.destroy());
  };
}

export const neverAnswers: Answer = () => undefined;

export async function scriptedServer(
  files: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<ScriptedServer> {
  const scripts = new Map<string, Answer[]>();
  const log: Logged[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    log.push({ path, cacheControl: request.headers["cache-control"] });
    const script = scripts.get(path);
    const scripted = script && script.length > 1 ? script.shift() : script?.[0];
    const file = files.get(path);
    (scripted ?? (file ? sends(file) : refuses(404)))(response, request);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    log,
    paths: () => log.map(({ path }) => path),
    on: (path, ...answers) => void scripts.set(path, [...answers]),
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => void server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
