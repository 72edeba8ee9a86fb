"""A hub on this machine: its API for a model, files behind a redirect to another host, ranges, tags, and its troubles.

What it answers is what huggingface.co answers, as far as the client looks: small files come from the hub itself, large ones
(LFS) from a storage host, here `localhost` in place of `127.0.0.1`, so that credentials must not follow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from tests.support.scripted_server import Request, answering

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE = (".onnx", ".onnx_data", ".safetensors", ".bin")


class Trouble(Struct):
    """What goes wrong, each as often as it says: busy answers, connections cut in the middle, other bytes than promised."""

    busy: int = 0
    cuts: int = 0
    wrong: bool = False
    gated: bool = False
    gone: bool = False


class Hub:
    """Repositories with their files; revisions lead to commits. Remembers what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.files: dict[str, dict[str, bytes]] = {}
        self.revisions = {"main": COMMIT, COMMIT: COMMIT}
        self.requests: list[Request] = []
        self.trouble = Trouble()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self, part: str) -> list[Request]:
        """The requests whose path holds this."""
        return [request for request in self.requests if part in request.path]


@contextmanager
def hub_serving() -> Iterator[Hub]:
    """A hub, while the block runs."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    hub = Hub(listener.server_port)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            hub.requests.append(Request(self.path, headers))
            _Answer(self, hub, headers).send()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with answering(listener, Handler):
        yield hub


class _Answer:
    """One answer to one request."""

    def __init__(self, handler: BaseHTTPRequestHandler, hub: Hub, headers: dict[str, str]) -> None:
        self.handler = handler
        self.hub = hub
        self.headers = headers

    def send(self) -> None:
        path = unquote(urlsplit(self.handler.path).path).strip("/")
        if self.hub.trouble.gone:
            self.write(503, b"", {})
        elif self.hub.trouble.busy:
            self.hub.trouble.busy -= 1
            said = f"slow down, {self.headers.get('authorization', 'stranger')}"
            self.write(429, said.encode(), {"Retry-After": "0"})
        elif path.startswith("api/models/"):
            self.model(path.removeprefix("api/models/"))
        elif path.startswith("storage/"):
            self.storage(path.removeprefix("storage/"))
        else:
            self.resolve(path)

    def model(self, path: str) -> None:
        repo, _, revision = path.partition("/revision/")
        files = self.hub.files.get(repo)
        commit = self.hub.revisions.get(revision)
        if files is None or self.hub.trouble.gated:
            code = "GatedRepo" if self.hub.trouble.gated else "RepoNotFound"
            self.write(403 if self.hub.trouble.gated else 401, b"", {"X-Error-Code": code})
        elif commit is None:
            self.write(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            siblings = [_sibling(name, content) for name, content in files.items()]
            found = {"id": repo, "modelId": repo, "sha": commit, "siblings": siblings, "tags": []}
            self.write(200, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def resolve(self, path: str) -> None:
        repo, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        content = self.hub.files.get(repo, {}).get(name)
        if content is None:
            self.write(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        commit = {"X-Repo-Commit": self.hub.revisions[revision]}
        digest = hashlib.sha256(content).hexdigest()
        if not name.endswith(_LARGE):
            tag = hashlib.sha1(content, usedforsecurity=False).hexdigest()
            self.write(200, content, {**commit, "ETag": f'"{tag}"'})
            return
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{digest}"'}
        place = f"http://localhost:{self.hub.port}/storage/{repo}/{digest}/{name}"
        self.write(302, b"", {**commit, **linked, "Location": place})

    def storage(self, path: str) -> None:
        content = next(
            content
            for files in self.hub.files.values()
            for content in files.values()
            if hashlib.sha256(content).hexdigest() in path
        )
        if self.hub.trouble.wrong:
            content = content[:-1] + bytes([content[-1] ^ 1])
        wanted = self.headers.get("range", "")
        begin = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
        tags = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        if begin:
            tags["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        self.write(206 if begin else 200, content[begin:], tags)

    def write(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        handler, is_head = self.handler, self.handler.command == "HEAD"
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if not is_head:
            is_cut = self.hub.trouble.cuts and "/storage/" in handler.path and len(body) > 1
            self.hub.trouble.cuts -= bool(is_cut)
            handler.wfile.write(body[: len(body) // 2] if is_cut else body)
            handler.wfile.flush()
        handler.close_connection = True


def _sibling(name: str, content: bytes) -> dict[str, object]:
    found: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
    if name.endswith(_LARGE):
        digest = hashlib.sha256(content).hexdigest()
        found["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
    return found
