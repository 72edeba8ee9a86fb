"""The site of a measurement: the page, the loader, onnxruntime-web and the pack, on a port of the loopback interface.

1. The page is cross-origin isolated, so that WebAssembly may have threads.
2. Files are served as the declared host would: chunks as they lie there, or in the best encoding that is beside them.
3. Nothing outside the four folders can be reached, and nobody but this machine can ask.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from msgspec import Struct

_HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".wasm": "application/wasm",
}
_ENCODINGS: Final = ((".br", "br"), (".zst", "zstd"), (".gz", "gzip"))
_EXCHANGE: Final = re.compile(r"/(samples|outputs)/(\d{1,9})")
_BLOCK_BYTES: Final = 1 << 20


class Folders(Struct, frozen=True):
    """What is served: by the first part of its address, and samples and outputs as files named by number."""

    served: dict[str, Path]
    samples: Path
    outputs: Path


@contextmanager
def open_site(folders: Folders) -> Iterator[str]:
    """The origin of the site, which is there while the block runs."""

    class Handler(_Handler):
        site = folders

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Folders

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        found = self._sample(path) or self._file(path)
        if found is None:
            self._answer(404, b"not found")
            return
        encoded, encoding = self._encoded(found)
        self.send_response(200)
        self._common(_TYPES.get(found.suffix, "application/octet-stream"), encoded.stat().st_size)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        with encoded.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                self.wfile.write(block)

    def do_POST(self) -> None:
        match = _EXCHANGE.fullmatch(self.path)
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if match is None or match[1] != "outputs":
            self._answer(404, b"not found")
            return
        (self.site.outputs / match[2]).write_bytes(body)
        self._answer(200, b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Says nothing: the terminal belongs to the command."""

    def _sample(self, path: str) -> Path | None:
        match = _EXCHANGE.fullmatch(path)
        if match is None or match[1] != "samples":
            return None
        found = self.site.samples / match[2]
        return found if found.is_file() else None

    def _file(self, path: str) -> Path | None:
        if path == "/":
            path = "/bench/index.html"
        first, _, rest = path.lstrip("/").partition("/")
        folder = self.site.served.get(first)
        if folder is None:
            return None
        found = (folder / rest).resolve()
        return found if found.is_relative_to(folder.resolve()) and found.is_file() else None

    def _encoded(self, path: Path) -> tuple[Path, str]:
        accepted = self.headers.get("Accept-Encoding", "")
        for ending, encoding in _ENCODINGS:
            beside = path.with_name(path.name + ending)
            if encoding in accepted and beside.is_file():
                return beside, encoding
        return path, ""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self._common("text/plain", len(body))
        self.end_headers()
        self.wfile.write(body)

    def _common(self, media_type: str, size_bytes: int) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(size_bytes))
        self.send_header("Cache-Control", "no-store")
