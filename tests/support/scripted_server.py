"""A web server on this machine that does what it is told, and remembers what it was asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from msgspec import Struct


class Reply(Struct, frozen=True):
    """One answer. `cut_after` bytes of the body the connection ends, `stall_s` is waited before the rest."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut_after: int | None = None
    stall_s: float = 0.0
    ranges: bool = False


class Request(Struct, frozen=True):
    """What was asked for; the names of headers in lower case."""

    path: str
    headers: dict[str, str]


class Server:
    """Answers each request to a path with the path's next reply, and the last one again and again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[Request] = []
        self._replies: dict[str, list[Reply]] = {}

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def reply(self, path: str, *replies: Reply) -> None:
        self._replies[path] = list(replies)

    def take(self, path: str) -> Reply:
        replies = self._replies.get(path, [Reply(404)])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def header(self, name: str) -> list[str | None]:
        """That header of each request."""
        return [request.headers.get(name) for request in self.requests]


@contextmanager
def serving() -> Iterator[Server]:
    """A server, while the block runs."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server = Server(listener.server_port)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.requests.append(Request(self.path, headers))
            _answer(self, server.take(self.path), headers)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with answering(listener, Handler):
        yield server


@contextmanager
def answering(
    listener: ThreadingHTTPServer, handler: type[BaseHTTPRequestHandler]
) -> Iterator[None]:
    """The listener answers by the handler while the block runs."""
    listener.RequestHandlerClass = handler
    listener.daemon_threads = True
    thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def _answer(handler: BaseHTTPRequestHandler, reply: Reply, headers: dict[str, str]) -> None:
    begin, status = 0, reply.status
    tag = dict(reply.headers).get("ETag")
    wanted = headers.get("range", "")
    if reply.ranges and wanted and headers.get("if-range") in {None, tag}:
        begin, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
    body = reply.body[begin:]
    handler.send_response(status)
    for name, value in reply.headers:
        handler.send_header(name, value)
    if status == 206:
        handler.send_header(
            "Content-Range", f"bytes {begin}-{len(reply.body) - 1}/{len(reply.body)}"
        )
    if "Content-Length" not in dict(reply.headers):
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    sent = body if reply.cut_after is None else body[: reply.cut_after]
    handler.wfile.write(sent)
    handler.wfile.flush()
    if reply.stall_s:
        time.sleep(reply.stall_s)
    handler.close_connection = True
