"""One file from https, whole and with the right digest, or an error.

1. What arrived is kept: a second attempt, in this build or a later one, asks for the rest (Range, held to the first
   answer's ETag by If-Range), and begins anew where the server does not agree.
2. An address is tried several times, then its mirrors in turn. A server that says when to come back is obeyed, within
   reason. A connection that gives nothing for STALL_S is cut.
3. The digest decides, wherever the bytes came from. Never more than MOST_BYTES are written.
4. Credentials (only those of ~/.netrc, for the very host) do not follow a redirect, and none leads from https to http.

urllib rather than httpx: every one of these rules is our own code either way, and the standard library costs no one a
dependency. The parent process downloads; workers have no network.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import netrc
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from msgspec import Struct

from modelpack import __version__
from modelpack.errors import ModelpackError, SourceError, SourceUnreachableError
from modelpack.units import MIB, format_size

MOST_BYTES = 2048 * MIB  # what protobuf can hold: no ONNX graph is larger
STALL_S = 30.0
ATTEMPTS = 4
_LONGEST_PAUSE_S = 60.0
_FIRST_PAUSE_S = 1.0
_MOST_REDIRECTS = 5
_BLOCK_BYTES = 1 << 20
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})  # may be different the next time
_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

Progress = Callable[[int, int], None]


class Wanted(Struct, frozen=True):
    """A file by its addresses, best first, and its SHA-256; None where that is what is to be found out."""

    urls: tuple[str, ...]
    sha256: str | None


class Patience(Struct, frozen=True):
    """How long to wait. Tests have less of it."""

    stall_s: float = STALL_S
    attempts: int = ATTEMPTS
    sleep: Callable[[float], None] = time.sleep


_PATIENCE = Patience()


class _LaterError(Exception):
    """This attempt failed; another may not. `pause_s` is what the server asked for, 0 where it asked for nothing."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class _NeverError(Exception):
    """This address will not give the file."""


def download(wanted: Wanted, path: Path, progress: Progress, patience: Patience = _PATIENCE) -> str:
    """The SHA-256 of the file, which is now at `path`.

    Raises: SourceUnreachableError MP-E240 if no address gives it, SourceError MP-E241 if all give something else.
    """
    part = path.with_name(f"{path.name}.part")
    reasons: list[str] = []
    wrong: ModelpackError | None = None
    for url in wanted.urls:
        try:
            _fetch_with_retries(url, part, progress, patience)
        except (_LaterError, _NeverError) as err:
            reasons.append(f"{_host(url)}: {err}")
            continue
        digest = _digest(part)
        if wanted.sha256 in {None, digest}:
            part.replace(path)
            _tag_path(part).unlink(missing_ok=True)
            return digest
        _forget(part)
        wrong = _wrong_digest(url, wanted.sha256 or "", digest)
    if wrong is not None:
        raise wrong
    raise SourceUnreachableError(
        "MP-E240",
        "; ".join(reasons),
        where=wanted.urls[0],
        remedy="check the address and the connection; what arrived so far is kept",
    )


def _fetch_with_retries(url: str, part: Path, progress: Progress, patience: Patience) -> None:
    failure = _LaterError("")
    for attempt in range(patience.attempts):
        if attempt:
            pause_s = failure.pause_s or _FIRST_PAUSE_S * 2 ** (attempt - 1)
            patience.sleep(min(pause_s, _LONGEST_PAUSE_S))
        try:
            _fetch(url, part, progress, patience.stall_s)
        except _LaterError as err:
            failure = err
        else:
            return
    raise failure


def _fetch(url: str, part: Path, progress: Progress, stall_s: float) -> None:
    held_bytes = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers=_headers(url, part, held_bytes))  # noqa: S310 (checked by the configuration)
    try:
        with _opener().open(request, timeout=stall_s) as answer:
            _receive(answer, part, held_bytes, progress)
    except urllib.error.HTTPError as err:
        with err:
            _refused(err, part)
    except urllib.error.URLError as err:
        raise _LaterError(f"no answer ({err.reason})") from err
    except (OSError, http.client.HTTPException) as err:
        raise _LaterError(f"the connection broke off ({str(err) or type(err).__name__})") from err


def _headers(url: str, part: Path, held_bytes: int) -> dict[str, str]:
    headers = {"User-Agent": f"modelpack/{__version__}", "Accept-Encoding": "identity"}
    tag = _tag_path(part)
    if held_bytes and tag.exists():
        headers["Range"] = f"bytes={held_bytes}-"
        headers["If-Range"] = tag.read_text()
    credentials = _credentials(url)
    if credentials:
        headers["Authorization"] = credentials
    return headers


def _receive(
    answer: http.client.HTTPResponse, part: Path, held_bytes: int, progress: Progress
) -> None:
    is_rest = answer.status == 206 and _begins_at(answer.headers) == held_bytes
    if answer.status == 206 and not is_rest:
        _forget(part)
        raise _LaterError("the server sent another range than the one asked for")
    done_bytes = held_bytes if is_rest else 0
    left = answer.headers.get("Content-Length", "")
    total_bytes = done_bytes + int(left) if left.isdecimal() else 0
    _check_size(total_bytes)
    _remember_tag(part, answer.headers)
    with part.open("ab" if is_rest else "wb") as stream:
        while block := answer.read1(_BLOCK_BYTES):  # what has come; `read` would lose it in a stall
            done_bytes += len(block)
            _check_size(done_bytes)
            stream.write(block)
            progress(done_bytes, max(total_bytes, done_bytes))
    if done_bytes < total_bytes:
        raise _LaterError(f"the connection ended after {done_bytes} of {total_bytes} bytes")


def _refused(err: urllib.error.HTTPError, part: Path) -> None:
    if err.code == 416:  # what is held is not a beginning of what there is
        _forget(part)
        raise _LaterError("the file changed on the server") from err
    reason = f"HTTP {err.code} {err.reason}".rstrip()
    if err.code in _LATER:
        after = err.headers.get("Retry-After", "") if err.headers else ""
        raise _LaterError(reason, float(after) if after.isdecimal() else 0.0) from err
    raise _NeverError(reason) from err


def _check_size(size_bytes: int) -> None:
    if size_bytes > MOST_BYTES:
        raise _NeverError(f"more than {format_size(MOST_BYTES)}, which no ONNX file can have")


def _begins_at(headers: HTTPMessage) -> int | None:
    """The first byte of `Content-Range: bytes 5-9/10`."""
    first = headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None


def _remember_tag(part: Path, headers: HTTPMessage) -> None:
    """Keeps a strong ETag, which alone may continue a file; without one, nothing is continued."""
    tag = headers.get("ETag", "")
    if tag.startswith('"'):
        _tag_path(part).write_text(tag)
    else:
        _tag_path(part).unlink(missing_ok=True)


def _tag_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag_path(part).unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        hasher = hashlib.sha256()
        while block := stream.read(_BLOCK_BYTES):
            hasher.update(block)
    return hasher.hexdigest()


def _credentials(url: str) -> str:
    """Basic authorisation for the host, from ~/.netrc; empty where it has none."""
    try:
        found = netrc.netrc().authenticators(urlsplit(url).hostname or "")
    except (OSError, netrc.NetrcParseError):
        return ""
    if found is None:
        return ""
    return "Basic " + base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, without credentials, and none to an address that anyone could listen to."""

    max_redirections = _MOST_REDIRECTS

    def redirect_request(  # noqa: PLR0917 (urllib calls it so)
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        parts = urlsplit(newurl)
        if parts.scheme != "https" and parts.hostname not in _LOCAL_HOSTS:
            raise _NeverError(f"redirected to {parts.scheme}://{parts.hostname}; expected https")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None:
            following.remove_header("Authorization")
        return following


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Redirects)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _wrong_digest(url: str, expected: str, found: str) -> SourceError:
    return SourceError(
        "MP-E241",
        f"the file's SHA-256 is {found}; expected {expected}",
        where=url,
        remedy="if the new file is right, change `sha256` or run `modelpack lock --update`",
    )
