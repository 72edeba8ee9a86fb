"""One visit of the measuring page, in a profile of its own: nothing is cached, as for somebody who comes the first time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

import msgspec
from msgspec import Struct

from modelpack.bench.driver import Driver, Page, page_failed
from modelpack.bench.effort import Times

_READY: Final = """() => new Promise((resolve) => {
  const look = () => (globalThis.bench ? resolve() : setTimeout(look, 20));
  look();
})"""


class Request(Struct, frozen=True, rename="camel"):
    """What the page is asked to do, in one load of the model: `page/bench.js` is the other end.

    `samples` are timed in turn; the outputs of the first `judged` samples are sent. `in_page`: not in a worker.
    """

    model: str
    variant: str
    device: str
    threads: int
    samples: int
    warmup: int = 0
    runs: int = 0
    seconds: float = 0.0
    judged: int = 0
    in_page: bool = False


class Tensor(Struct, frozen=True):
    """A tensor of one call. `size` is in bytes; an input is `transferable` if the page can give it away."""

    name: str
    role: Literal["input", "state", "output"]
    size: int
    transferable: bool


class Visited(Struct, frozen=True):
    """What the page found out. `heap` is in bytes."""

    load: float
    first: float
    later: tuple[float, ...]
    heap: int
    tensors: tuple[Tensor, ...]

    @property
    def times(self) -> Times:
        """What it took."""
        return Times(self.load, self.first, self.later)


class Adapter(Struct, frozen=True):
    """A WebGPU adapter: its name, and the optional features that it has."""

    name: str
    features: frozenset[str]


class _Failure(Struct, frozen=True):
    code: str
    message: str


class _Failed(Struct, frozen=True):
    error: _Failure | None = None


@contextmanager
def page_at(driver: Driver, origin: str, slowdown: float = 1.0) -> Iterator[Page]:
    """The measuring page in a fresh profile, its processor slowed down by that factor. Raises: BenchError MP-E804."""
    with driver.page(origin, slowdown) as page:
        page.evaluate(_READY)
        yield page


def visit(page: Page, request: Request) -> Visited:
    """What the page found out. Raises: BenchError MP-E804 with the loader's code where something failed in it."""
    asked = {
        **msgspec.to_builtins(request),
        "reference": {"manifestUrl": "/models/manifest.json", "model": request.model},
    }
    found = page.evaluate("request => bench.visit(request)", asked)
    failed = msgspec.convert(found, _Failed)
    if failed.error is not None:
        raise page_failed(f"{failed.error.code} {failed.error.message}")
    return msgspec.convert(found, Visited, strict=False)


def find_adapter(page: Page) -> Adapter | None:
    """The WebGPU adapter; None where there is none."""
    return msgspec.convert(page.evaluate("() => bench.adapter()"), Adapter | None)
