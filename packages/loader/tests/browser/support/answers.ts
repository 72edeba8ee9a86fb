/** Everything that a host, a proxy or a network has been seen to do to a request. */
import { gzipSync } from "node:zlib";
import { decompress } from "fzstd";
import { type Answer, sendServed } from "./site.ts";

const WEB_PAGE = "<!doctype html><title>Welcome</title><p>Please sign in to use this network.";

export const honest: Answer = sendServed;

export function status(code: number, headers: Record<string, string> = {}): Answer {
  return ({ response }) => void response.writeHead(code, { "content-type": "text/plain", ...headers }).end();
}

/** A page in place of bytes, as single-page applications and captive portals answer. */
export const webPage: Answer = ({ response }) =>
  void response.writeHead(200, { "content-type": "text/html" }).end(WEB_PAGE);

export const empty: Answer = ({ response, served }) => void response.writeHead(200, served.headers).end();

/** Bytes of the caller's choosing, with the headers that belong to the right ones. */
export function bytes(change: (body: Buffer) => Uint8Array, headers: Record<string, string> = {}): Answer {
  return ({ response, served }) => {
    const body = change(served.body);
    response.writeHead(200, { ...served.headers, ...headers, "content-length": body.length }).end(body);
  };
}

export const flipped: Answer = bytes((body) => {
  const changed = Buffer.from(body);
  const middle = changed.length >> 1;
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  return changed;
});

export const shorter: Answer = bytes((body) => body.subarray(0, body.length - 1));
export const longer: Answer = bytes((body) => Buffer.concat([body, Buffer.from("x")]));

/** Ends as if all had been sent; without a length nobody can tell. */
export const cutWithoutLength: Answer = ({ response, served }) =>
  void response.writeHead(200, served.headers).end(served.body.subarray(0, served.body.length >> 1));

/** Announces everything, sends half and closes the connection. */
export const cut: Answer = ({ response, served }) => {
  response.writeHead(200, { ...served.headers, "content-length": served.body.length });
  response.write(served.body.subarray(0, served.body.length >> 1), () => response.socket?.end());
};

/** As `cut`, by a reset. */
export const reset: Answer = ({ response, served }) => {
  response.writeHead(200, { ...served.headers, "content-length": served.body.length });
  response.write(served.body.subarray(0, served.body.length >> 1), () => response.socket?.resetAndDestroy());
};

/** Takes the request and never answers. */
export const silent: Answer = () => undefined;

/** Sends the head, then the first bytes, and then nothing. */
export function stalledAfter(share: number): Answer {
  return ({ response, served }) => {
    response.writeHead(200, { ...served.headers, "content-length": served.body.length });
    response.write(served.body.subarray(0, Math.max(1, Math.floor(served.body.length * share))));
  };
}

/** Sends everything, in so many pieces, so far apart. */
export function dribbled(pieces: number, pauseMs: number): Answer {
  return ({ response, served }) => {
    response.writeHead(200, { ...served.headers, "content-length": served.body.length });
    const size = Math.ceil(served.body.length / pieces);
    const send = (from: number): void => {
      if (response.destroyed) return;
      const piece = served.body.subarray(from, from + size);
      if (from + size >= served.body.length) return void response.end(piece);
      response.write(piece);
      setTimeout(send, pauseMs, from + size);
    };
    send(0);
  };
}

/** Claims an encoding that the bytes do not have. */
export const falselyEncoded: Answer = bytes((body) => body, { "content-encoding": "gzip" });

/** Encoded once by the site and once more by something in between that said so. */
export const encodedOnTheWay: Answer = bytes((body) => gzipSync(body), { "content-encoding": "gzip" });

/** Encoded once more by something in between that did not say so. */
export const encodedSilently: Answer = bytes((body) => gzipSync(body));

const BOMB = gzipSync(Buffer.alloc(2 ** 26)); // 64 MiB in 64 KiB

/** Decodes to a thousand times what it is. */
export const bomb: Answer = bytes(() => BOMB, { "content-encoding": "gzip" });

export function redirect(to: string, code = 302): Answer {
  return ({ response }) => void response.writeHead(code, { location: to }).end();
}

/** A part that nobody asked for. */
export const partial: Answer = ({ response, served }) => {
  const half = served.body.subarray(0, served.body.length >> 1);
  const range = `bytes 0-${half.length - 1}/${served.body.length}`;
  response
    .writeHead(206, { ...served.headers, "content-range": range, "content-length": half.length })
    .end(half);
};

/** A host that decodes stored zstd chunks by itself, and says nothing of it. */
export const unzstd: Answer = bytes((body) => decompress(body));
