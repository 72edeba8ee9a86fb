"""A watch and a server beside it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from modelpack.serve.app import App
from modelpack.serve.gate import Gate
from modelpack.serve.news import News
from modelpack.serve.parts import Parts
from modelpack.serve.server import open_sockets, serving
from modelpack.serve.site import Site


class Served(Struct, frozen=True):
    """What is being served, and where."""

    site: Site
    url: str
    port: int
    token: str


@contextmanager
def serve(
    config: Path, parts: Parts, port: int | None, origins: frozenset[str]
) -> Iterator[Served]:
    """A server while the block runs. Raises: UsageError MP-E105 if the port is in use."""
    sockets = open_sockets(port)
    chosen: int = sockets[0].getsockname()[1]
    news, token = News(), secrets.token_urlsafe(24)
    site = Site(config, parts, news, token)
    app = App(Gate(chosen, origins), site.table, news, token)
    with serving(app, sockets, news.close):
        yield Served(site, f"http://localhost:{chosen}/", chosen, token)
