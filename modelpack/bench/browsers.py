"""Browsers of this machine: Chromium, Chrome, Edge and Firefox as they are installed, and the Chromium that Playwright brings."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from modelpack.bench.chromium import INSTALL_CHROMIUM, SoftwareGpu, started_chromium
from modelpack.bench.driver import Driver
from modelpack.bench.firefox import INSTALL_FIREFOX, started_firefox
from modelpack.errors import BenchError, UsageError

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
    "firefox": (
        "firefox",
        "firefox-esr",
        "/Applications/Firefox.app/Contents/MacOS/firefox",
        "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
    ),
}
_CHROMIUMS: Final[tuple[BrowserName, ...]] = ("chromium", "chrome", "edge")
_DRIVERS: Final = {"chromium": "playwright", "firefox": "websockets"}


class Choice(Struct, frozen=True):
    """A browser to start: its kind, its program (None: Playwright's own), and whether it emulates a GPU.

    `fallback`: only where the machine has none.
    """

    name: BrowserName
    program: Path | None
    software_gpu: SoftwareGpu = False

    @property
    def is_chromium(self) -> bool:
        """Whether it is Chromium by another name."""
        return self.name != "firefox"


def choose_browser(wanted: str, *, software_gpu: bool = False) -> Choice:
    """The browser of that name or at that path; with an empty name, the first that is found.

    Raises: BenchError MP-E801 if what drives it is missing, MP-E802 if there is no such browser; UsageError MP-E101 if
    Firefox is to emulate a GPU.
    """
    choice = _chosen(wanted)
    if software_gpu and not choice.is_chromium:
        raise _unable(choice, "cannot emulate a graphics processor", "--software-gpu")
    _check_driver(choice)
    return Choice(choice.name, choice.program, software_gpu)


def installed_browsers() -> tuple[Choice, ...]:
    """Those of this machine, the one that is taken first in front. Raises: BenchError MP-E801 if nothing can drive one."""
    found = tuple(Choice(name, program) for name, program in _found(""))
    for choice in found:
        _check_driver(choice)
    return found


def installed_chromium() -> Choice | None:
    """The Chromium, Chrome or Edge that is installed on this machine; None where there is none but, perhaps, Playwright's."""
    for name in _CHROMIUMS:
        path = _first(_PROGRAMS[name])
        if path is not None:
            return Choice(name, path)
    return None


def chromium_places() -> Iterator[Path]:
    """Every place where one is looked for, in order, Playwright's own last."""
    folders = [Path(folder) for folder in os.get_exec_path() if folder]
    for name in _CHROMIUMS:
        for program in _PROGRAMS[name]:
            # Joined to an absolute path, a folder goes away.
            yield from dict.fromkeys(folder / program for folder in folders)
    path = _playwright_chromium()
    if path is not None:
        yield path


def check_slowdown(choice: Choice) -> None:
    """Raises: UsageError MP-E101 if that browser cannot slow down a processor."""
    if not choice.is_chromium:
        raise _unable(choice, "cannot slow down a processor", "--slowdown")


@contextmanager
def started(choice: Choice) -> Iterator[Driver]:
    """The browser, running without a window and without a profile. Raises: BenchError MP-E802 if it does not start."""
    if choice.name == "firefox" and choice.program is not None:
        with started_firefox(choice.program) as driver:
            yield driver
    else:
        with started_chromium(choice.program, software_gpu=choice.software_gpu) as driver:
            yield driver


def _chosen(wanted: str) -> Choice:
    if wanted and wanted not in _PROGRAMS:
        path = Path(wanted)
        if not path.is_file():
            remedy = f"name {', '.join(_PROGRAMS)}, or the path of one"
            raise BenchError("MP-E802", "no such browser", where=wanted, remedy=remedy)
        return Choice("firefox" if "firefox" in path.name else "chromium", path)
    for name, program in _found(wanted):
        return Choice(name, program)
    remedy = INSTALL_FIREFOX if wanted == "firefox" else INSTALL_CHROMIUM
    raise BenchError(
        "MP-E802",
        f"found no {wanted or 'browser'} on this machine",
        where="bench",
        remedy=remedy if wanted else f"{remedy}, or measure natively: --only native",
    )


def _found(wanted: str) -> Iterator[tuple[BrowserName, Path | None]]:
    for name, programs in _PROGRAMS.items():
        if wanted in {"", name}:
            path = _first(programs)
            if path is not None:
                yield name, path
    if wanted in {"", "chromium"}:
        path = _playwright_chromium()
        if path is not None and path.is_file():
            yield "chromium", None


def _first(programs: Sequence[str]) -> Path | None:
    found = (shutil.which(program) for program in programs)
    return next((Path(path) for path in found if path), None)


def _playwright_chromium() -> Path | None:
    """Where Playwright's own browser is, or would be."""
    if importlib.util.find_spec("playwright") is None:
        return None
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)


def _check_driver(choice: Choice) -> None:
    package = _DRIVERS["chromium" if choice.is_chromium else "firefox"]
    if importlib.util.find_spec(package) is None:
        raise BenchError(
            "MP-E801",
            f"the Python package {package} is not installed; it drives {choice.name}",
            where="bench",
            remedy="pip install 'modelpack[browser]', or measure natively: --only native",
        )


def _unable(choice: Choice, found: str, option: str) -> UsageError:
    return UsageError(
        "MP-E101", f"{choice.name} {found}", where=option, remedy="use Chromium, Chrome or Edge"
    )
