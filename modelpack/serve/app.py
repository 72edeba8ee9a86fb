"""The development server's answers (ASGI). Every request goes through the gate, then to the table or the events.

1. No part of a request ever becomes a path. Its target is looked up as it came, undecoded; what is not in the table is 404.
2. No error is HTML: a loader that asks for a chunk must never take an error page for one.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Final

from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from modelpack.publish.folder import is_regular
from modelpack.serve.gate import Gate, accepts, matches_etag
from modelpack.serve.news import News
from modelpack.serve.table import Resource, Table

EVENTS: Final = "/events"
_ISOLATION: Final = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types modelpack"
)


class App:
    """`table` is asked anew for each request: builds replace it. `token` opens the stream of events."""

    def __init__(self, gate: Gate, table: Callable[[], Table], news: News, token: str) -> None:
        self._gate = gate
        self._table = table
        self._news = news
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            return
        headers = scope["headers"]
        extra = dict(_ISOLATION)
        origin = self._gate.origin(headers) or ""
        if self._gate.origins:
            extra["vary"] = "Origin"
        if origin:
            extra["access-control-allow-origin"] = origin
        extra["cross-origin-resource-policy"] = "cross-origin" if origin else "same-origin"
        response = self._response(scope)
        await response(scope, receive, _with(send, extra))

    def _response(self, scope: Scope) -> Response:
        refusal = self._gate.refusal(scope["method"], scope["headers"])
        if refusal is not None:
            allow = {"allow": "GET, HEAD"} if refusal.status == 405 else None
            return _text(refusal.status, refusal.text, allow)
        target = scope["raw_path"].decode("latin-1")
        if target == EVENTS:
            return self._events(scope)
        resource = self._table().get(target)
        return _NOT_FOUND if resource is None else _answer(resource, scope)

    def _events(self, scope: Scope) -> Response:
        given = scope["query_string"].decode("latin-1").removeprefix("token=")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return _text(403, "the token of this session is missing")
        if scope["method"] == "HEAD":
            return Response(media_type="text/event-stream")
        return _Events(self._news.stream())


class _Events(StreamingResponse):
    def __init__(self, messages: AsyncIterator[bytes]) -> None:
        super().__init__(
            messages, media_type="text/event-stream", headers={"cache-control": "no-store"}
        )


def _answer(resource: Resource, scope: Scope) -> Response:
    headers = {"cache-control": resource.cache}
    if resource.media_type.startswith("text/html"):
        headers["content-security-policy"] = CONTENT_SECURITY_POLICY
    if resource.path is None:
        return _content(resource, headers, scope)
    path = resource.path
    tag = resource.etag
    if resource.encoded:
        headers["vary"] = "Accept-Encoding"
    for coding, beside in resource.encoded:
        if accepts(scope["headers"], coding):
            path, tag = beside, f'{resource.etag[:-1]}.{coding}"'
            headers["content-encoding"] = coding
            break
    return _file(path, tag, resource.media_type, (headers, scope))


def _content(resource: Resource, headers: dict[str, str], scope: Scope) -> Response:
    headers["etag"] = resource.etag
    if matches_etag(scope["headers"], resource.etag):
        return Response(status_code=304, headers=headers)
    # The server leaves the body out of answers to HEAD, and keeps its length.
    return Response(resource.content, headers=headers, media_type=resource.media_type)


def _file(
    path: Path, etag: str, media_type: str, request: tuple[dict[str, str], Scope]
) -> Response:
    headers, scope = request
    try:
        status = os.lstat(path)
    except OSError:
        return _NOT_FOUND
    if not is_regular(path):
        return _NOT_FOUND
    headers["etag"] = etag or f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    if matches_etag(scope["headers"], headers["etag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, headers=headers, media_type=media_type, stat_result=status)


def _with(send: Send, extra: Mapping[str, str]) -> Send:
    added = [(name.encode(), value.encode()) for name, value in extra.items()]

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return wrapped


def _text(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers)


_NOT_FOUND: Final = _text(404, "not found")
