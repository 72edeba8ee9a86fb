"""One visit of the measuring page, in a profile of its own: nothing is cached, as for somebody who comes the first time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec import Struct

from modelpack.bench.effort import Times
from modelpack.errors import BenchError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_TIMEOUT_MS: Final = 600_000.0


class Request(Struct, frozen=True, rename="camel"):
    """What the page is asked to do, in one load of the model: `page/bench.js` is the other end.

    `samples` are timed in turn; the outputs of the first `judged` samples are sent.
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


class _Failure(Struct, frozen=True):
    code: str
    message: str


class _Failed(Struct, frozen=True):
    error: _Failure | None = None


@contextmanager
def page_at(browser: Browser, origin: str, slowdown: float = 1.0) -> Iterator[Page]:
    """The page in a fresh profile, its processor slowed down by that factor. Raises: BenchError MP-E804."""
    from playwright.sync_api import Error  # noqa: PLC0415 (an extra)

    context = browser.new_context()
    try:
        context.set_default_timeout(_TIMEOUT_MS)
        page = context.new_page()
        page.goto(origin)
        page.wait_for_function("globalThis.bench !== undefined")
        if slowdown > 1:
            session = context.new_cdp_session(page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        yield page
    except Error as err:
        raise _failed(err.message.splitlines()[0]) from err
    finally:
        context.close()


def visit(page: Page, request: Request) -> Visited:
    """What the page found out. Raises: BenchError MP-E804 with the loader's code where something failed in it."""
    asked = {
        **msgspec.to_builtins(request),
        "reference": {"manifestUrl": "/models/manifest.json", "model": request.model},
    }
    found: object = page.evaluate("request => bench.visit(request)", asked)
    failed = msgspec.convert(found, _Failed)
    if failed.error is not None:
        raise _failed(f"{failed.error.code} {failed.error.message}")
    return msgspec.convert(found, Visited, strict=False)


def find_adapter(page: Page) -> str:
    """The WebGPU adapter's name; empty where there is none."""
    found: object = page.evaluate("() => bench.adapter()")
    return str(found or "")


def _failed(found: str) -> BenchError:
    return BenchError(
        "MP-E804",
        f"the page failed: {found}",
        where="bench",
        remedy="if `modelpack verify` is content, the browser cannot run this variant: use another dtype or device",
    )
