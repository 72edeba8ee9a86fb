"""The Firefox of this machine, driven by WebDriver BiDi, which it speaks as it comes.

Not by Playwright: the version of July 2026 (1.65) knows either a Firefox of its own making, or asks stock Firefox for what
the long-term release does not know yet (emulation.setMediaFeaturesOverride; seen with 153).
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import IO, Final

from modelpack.bench.bidi import Connection, connected
from modelpack.bench.driver import Driver, Page, start_failed
from modelpack.errors import BenchError

INSTALL_FIREFOX: Final = "install Firefox 129 or newer, or measure in Chromium, Chrome or Edge"
_LISTENS: Final = "WebDriver BiDi listening on "
_START_TIMEOUT_S: Final = 180.0
_END_TIMEOUT_S: Final = 30.0
_PREFERENCES: Final = """\
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
"""


@contextmanager
def started_firefox(program: Path) -> Iterator[Driver]:
    """Firefox, without a window and in a new profile. Raises: BenchError MP-E802 if it does not start."""
    with (
        TemporaryDirectory(prefix="modelpack-", ignore_cleanup_errors=True) as profile,
        _running(program, Path(profile)) as address,
        _session(program, address) as connection,
    ):
        try:
            yield _Firefox(connection)
        finally:
            with suppress(BenchError):
                connection.end()


class _Firefox:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.version = connection.version

    @contextmanager
    def page(self, address: str, slowdown: float) -> Iterator[Page]:
        if slowdown != 1:
            raise ValueError(slowdown)  # refused before: `check_slowdown`
        page = self._connection.open(address)
        try:
            yield page
        finally:
            with suppress(BenchError):
                self._connection.close(page)


@contextmanager
def _running(program: Path, profile: Path) -> Iterator[str]:
    (profile / "user.js").write_text(_PREFERENCES)
    words = ("--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0")
    found: Queue[str] = Queue()
    with subprocess.Popen(  # noqa: S603 (the browser that was chosen)
        (program, *words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        reader = threading.Thread(target=_read, args=(process.stderr, found), daemon=True)
        reader.start()
        try:
            yield f"{_address(program, found)}/session"
        finally:
            _ended(process)
            reader.join()


def _read(stream: IO[str], found: Queue[str]) -> None:
    """Looks for the address, and keeps the pipe empty after that. The last line, where it never came."""
    last = "it ended at once"
    for line in stream:
        last = line.strip() or last
        if last.startswith(_LISTENS):
            found.put(last)
    found.put(last)


def _address(program: Path, found: Queue[str]) -> str:
    try:
        line = found.get(timeout=_START_TIMEOUT_S)
    except Empty:
        line = f"it does not listen within {_START_TIMEOUT_S:g} s"
    if not line.startswith(_LISTENS):
        raise start_failed(str(program), line, INSTALL_FIREFOX)
    return line.removeprefix(_LISTENS)


@contextmanager
def _session(program: Path, address: str) -> Iterator[Connection]:
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(connected(address))
        except OSError as err:
            raise start_failed(str(program), str(err), INSTALL_FIREFOX) from err
        yield connection


def _ended(process: subprocess.Popen[str]) -> None:
    """It has been told to end; one that does not is ended."""
    try:
        process.wait(_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
