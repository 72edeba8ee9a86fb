"""What measuring asks of a browser, whatever protocol it speaks."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final, Protocol

from modelpack.errors import BenchError

PAGE_TIMEOUT_S: Final = 600.0  # an emulated graphics processor on a busy machine takes minutes


class Page(Protocol):
    """An open page."""

    def evaluate(self, function: str, argument: object = None) -> object:
        """What the function, JavaScript, gives for the argument; both JSON. Raises: BenchError MP-E804."""


class Driver(Protocol):
    """A browser that runs."""

    @property
    def version(self) -> str:
        """Its version, `156.0.8078.79`."""

    def page(self, address: str, slowdown: float) -> AbstractContextManager[Page]:
        """The address in a fresh profile, its processor slowed down by that factor. Raises: BenchError MP-E804."""


def page_failed(found: str) -> BenchError:
    """The error of a page that did not do what it was asked for."""
    return BenchError(
        "MP-E804",
        f"the page failed: {found}",
        where="bench",
        remedy="if `modelpack verify` is content, the browser cannot run this variant: use another dtype or device",
    )


def start_failed(program: str, found: str, remedy: str) -> BenchError:
    """The error of a browser that does not start."""
    return BenchError("MP-E802", f"does not start: {found}", where=program, remedy=remedy)
