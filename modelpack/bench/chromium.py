"""Chromium, Chrome and Edge, driven by Playwright."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from modelpack.bench.driver import PAGE_TIMEOUT_S, Driver, Page, page_failed, start_failed

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as Tab

INSTALL_CHROMIUM: Final = "install Chromium, Chrome or Edge, or run `playwright install chromium`"
_QUIET: Final = (
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)
# Chromium 156: the first alone finds SwiftShader where there is no graphics processor, the second asks for it where there is.
SoftwareGpu: TypeAlias = Literal["fallback"] | bool
_SOFTWARE_GPU: Final[dict[SoftwareGpu, tuple[str, ...]]] = {
    False: (),
    "fallback": ("--enable-unsafe-webgpu",),
    True: ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"),
}


@contextmanager
def started_chromium(program: Path | None, *, software_gpu: SoftwareGpu) -> Iterator[Driver]:
    """The browser, without a window. Without a program, Playwright's own. Raises: BenchError MP-E802."""
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 (an extra; 200 ms)

    arguments = [*_QUIET, *_SOFTWARE_GPU[software_gpu]]
    if sys.platform == "linux" and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # root has none; it loads nothing but our own page
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=arguments)
        except Error as err:
            found = err.message.splitlines()[0]
            raise start_failed(str(program or "chromium"), found, INSTALL_CHROMIUM) from err
        try:
            yield _Chromium(browser)
        finally:
            browser.close()


class _Chromium:
    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.version = browser.version

    @contextmanager
    def page(self, address: str, slowdown: float) -> Iterator[Page]:
        from playwright.sync_api import Error  # noqa: PLC0415

        context = self._browser.new_context()
        try:
            context.set_default_timeout(PAGE_TIMEOUT_S * 1000)
            tab = context.new_page()
            tab.goto(address)
            if slowdown > 1:
                session = context.new_cdp_session(tab)
                session.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
            yield _Tab(tab)
        except Error as err:
            raise page_failed(err.message.splitlines()[0]) from err
        finally:
            context.close()


class _Tab:
    def __init__(self, tab: Tab) -> None:
        self._tab = tab

    def evaluate(self, function: str, argument: object = None) -> object:
        found: object = self._tab.evaluate(function, argument)
        return found
