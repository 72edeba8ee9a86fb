"""Browsers of this machine, and how they are started.

Chromium, Chrome and Edge are those that are installed; Firefox is Playwright's own, because no other speaks its protocol.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from modelpack.errors import BenchError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

BrowserName = Literal["chromium", "chrome", "edge", "firefox"]
_PROGRAMS: Final[dict[BrowserName, tuple[str, ...]]] = {
    "chromium": (
        "chromium",
        "chromium-browser",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "chrome": (
        "google-chrome",
        "google-chrome-stable",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    ),
    "edge": (
        "microsoft-edge",
        "microsoft-edge-stable",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
    ),
    "firefox": (),
}
_QUIET: Final = (
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)
_SOFTWARE_GPU: Final = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
_INSTALL: Final = "install Chromium, Chrome or Edge, or run `playwright install chromium`"


class Choice(Struct, frozen=True):
    """A browser to start: its kind, its program (None: Playwright's own), and whether it may emulate a GPU."""

    name: BrowserName
    program: Path | None
    software_gpu: bool = False

    @property
    def is_chromium(self) -> bool:
        """Whether it speaks Chromium's debugging protocol."""
        return self.name != "firefox"


def choose_browser(wanted: str, *, software_gpu: bool = False) -> Choice:
    """The browser of that name or at that path; with an empty name, the first that is found.

    Raises: BenchError MP-E801 if Playwright is missing, MP-E802 if there is no such browser.
    """
    _check_playwright()
    if wanted and wanted not in _PROGRAMS:
        path = Path(wanted)
        if not path.is_file():
            raise BenchError(
                "MP-E802",
                "no such browser",
                where=wanted,
                remedy=f"name {', '.join(_PROGRAMS)}, or the path of one",
            )
        return Choice("firefox" if "firefox" in path.name else "chromium", path, software_gpu)
    for name, program in _found(wanted):
        return Choice(name, program, software_gpu)
    raise BenchError(
        "MP-E802",
        f"found no {wanted or 'browser'} on this machine",
        where="bench",
        remedy="run `playwright install firefox`"
        if wanted == "firefox"
        else f"{_INSTALL}, or measure natively: --only native",
    )


@contextmanager
def started(choice: Choice) -> Iterator[Browser]:
    """The browser, running without a window and without a profile. Raises: BenchError MP-E802 if it does not start."""
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 (an extra; 200 ms)

    with sync_playwright() as playwright:
        try:
            browser = _launch(playwright, choice)
        except Error as err:
            raise BenchError(
                "MP-E802",
                f"does not start: {err.message.splitlines()[0]}",
                where=str(choice.program or choice.name),
                remedy=_INSTALL,
            ) from err
        try:
            yield browser
        finally:
            browser.close()


def _launch(playwright: Playwright, choice: Choice) -> Browser:
    if not choice.is_chromium:
        return playwright.firefox.launch(executable_path=choice.program)
    arguments = [*_QUIET, *(_SOFTWARE_GPU if choice.software_gpu else ())]
    if sys.platform == "linux" and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # root has none; it loads nothing but our own page
    return playwright.chromium.launch(executable_path=choice.program, args=arguments)


def _found(wanted: str) -> Iterator[tuple[BrowserName, Path | None]]:
    for name, programs in _PROGRAMS.items():
        if wanted in {"", name}:
            path = _first(programs)
            if path is not None:
                yield name, path
    own: tuple[BrowserName, ...] = ("chromium", "firefox")
    for name in own:
        if wanted in {"", name} and _playwright_has(name):
            yield name, None


def _first(programs: Sequence[str]) -> Path | None:
    found = (shutil.which(program) for program in programs)
    return next((Path(path) for path in found if path), None)


def _playwright_has(name: BrowserName) -> bool:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        kind = playwright.firefox if name == "firefox" else playwright.chromium
        return Path(kind.executable_path).is_file()


def _check_playwright() -> None:
    if importlib.util.find_spec("playwright") is None:
        raise BenchError(
            "MP-E801",
            "Playwright's Python package is not installed",
            where="bench",
            remedy="pip install 'modelpack[browser]', or measure natively: --only native",
        )
