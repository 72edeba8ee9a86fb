// A good host: brotli for whoever accepts it, immutable hashed files, and a mailbox for what pages measured.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** Serves the folder; `onReport` gets what a page posts, and answers what the page does next. */
export async function openSite(folder, onReport) {
  const site = { sentBytes: 0, port: 0, close: () => server.close() };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://site");
    if (pathname === "/report") return response.end(onReport(Object.fromEntries(searchParams)));
    const file = join(folder, normalize(pathname));
    if (!existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    const { mtimeMs, size } = statSync(file);
    const etag = `"${Math.floor(mtimeMs)}-${size}"`;
    const isForever = /\/(assets|c|onnx)\//.test(pathname);
    const headers = {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "cache-control": isForever ? "public, max-age=31536000, immutable" : "no-cache",
      vary: "accept-encoding",
      etag,
    };
    if (request.headers["if-none-match"] === etag) return response.writeHead(304, headers).end();
    const isEncoded = existsSync(`${file}.br`) && /\bbr\b/.test(request.headers["accept-encoding"] ?? "");
    const path = isEncoded ? `${file}.br` : file;
    const length = statSync(path).size;
    site.sentBytes += length;
    response.writeHead(200, {
      ...headers,
      "content-length": length,
      ...(isEncoded && { "content-encoding": "br" }),
    });
    createReadStream(path).pipe(response);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  site.port = server.address().port;
  return site;
}
