"""Who may ask the development server, and how. Pure: from a request's method and headers to a refusal, or none.

1. Only reads. There is no request that changes anything, so none can be forged.
2. `Host` must be a name of this machine's loopback interface with our port, or another site's name could be made to lead
   here (DNS rebinding).
3. `Origin` must be ours or listed; a browser that says the request comes from another site is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

Headers = Sequence[tuple[bytes, bytes]]

_METHODS: Final = frozenset({"GET", "HEAD"})
_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.\-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?")


class Refusal(Struct, frozen=True):
    """Why a request gets no answer."""

    status: int
    text: str


class Gate(Struct, frozen=True):
    """The rules for one port. `origins` are other sites' that may read, each exactly as browsers send it."""

    port: int
    origins: frozenset[str] = frozenset()

    def refusal(self, method: str, headers: Headers) -> Refusal | None:
        """Why this request is refused; None if it is not."""
        if method not in _METHODS:
            return Refusal(405, "only GET and HEAD")
        hosts = _values(headers, b"host")
        if len(hosts) != 1 or hosts[0] not in self._hosts():
            return Refusal(403, f"this server answers to localhost:{self.port} only")
        origin = self.origin(headers)
        if origin is None:
            return Refusal(403, "another site asks; allow it with --allow-origin")
        if not origin and b"cross-site" in _raw(headers, b"sec-fetch-site"):
            return Refusal(403, "another site asks")
        return None

    def origin(self, headers: Headers) -> str | None:
        """The listed origin that asks; empty for our own page and for programs, None for any other."""
        origins = _values(headers, b"origin")
        if not origins:
            return ""
        if len(origins) > 1:
            return None
        if origins[0] in self.origins:
            return origins[0]
        own = {f"http://{host}" for host in self._hosts()}
        return "" if origins[0] in own else None

    def _hosts(self) -> frozenset[str]:
        return frozenset(f"{name}:{self.port}" for name in _NAMES)


def is_origin(text: str) -> bool:
    """Whether a browser could send this as an `Origin`: a scheme and a host, perhaps a port, and nothing behind."""
    return _ORIGIN.fullmatch(text) is not None


def accepts(headers: Headers, coding: str) -> bool:
    """Whether the request takes this content coding. A weight of zero is a no."""
    wanted = ",".join(_values(headers, b"accept-encoding"))
    for part in wanted.lower().split(","):
        name, _, rest = part.partition(";")
        if name.strip() == coding:
            return re.fullmatch(r"\s*q=0(\.0*)?\s*", rest) is None
    return False


def matches_etag(headers: Headers, etag: str) -> bool:
    """Whether `If-None-Match` names the entity, or any."""
    wanted = ",".join(_values(headers, b"if-none-match"))
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    return "*" in tags or etag in tags


def _values(headers: Headers, name: bytes) -> tuple[str, ...]:
    return tuple(value.decode("latin-1") for value in _raw(headers, name))


def _raw(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> tuple[bytes, ...]:
    return tuple(value for key, value in headers if key == name)
