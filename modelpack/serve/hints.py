"""Hints of the system that something happened in a folder. They only make a watch look sooner; nothing depends on them.

1. Folders are watched, never files: editors replace files, and a watch on a file dies with it.
2. Folders below are not included: nobody watches `node_modules` for a model.
3. Where hints cannot be had (too many watches, no watchfiles, a strange file system) the watch looks more often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

_GROUP_MS = 200  # what comes within this time is one hint
_QUIET_MS = 20  # and nothing for so long ends it
_WAKE_MS = 500  # how long the thread may take to notice that it should end


class Hints(Protocol):
    """Something that calls `notify` when anything happens in one of the folders."""

    @property
    def reason(self) -> str:
        """Why there are no hints, as far as that is known yet; empty if there are."""
        ...

    def watch(self, folders: frozenset[Path], notify: Callable[[], None]) -> None:
        """Watches these folders in place of the ones before, from soon on."""
        ...

    def stop(self) -> None:
        """No more hints."""
        ...


class SystemHints:
    """Hints by watchfiles, in a thread."""

    def __init__(self) -> None:
        self._stop = Event()
        self._thread: Thread | None = None
        self._reason = ""

    @property
    def reason(self) -> str:
        """What kept watchfiles from watching."""
        return self._reason

    def watch(self, folders: frozenset[Path], notify: Callable[[], None]) -> None:
        """Starts over with these folders."""
        self.stop()
        self._stop, self._reason = Event(), ""
        arguments = (sorted(folders), notify, self._stop)
        self._thread = Thread(target=self._listen, args=arguments, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * _WAKE_MS / 1000)
            self._thread = None

    def _listen(self, folders: Iterable[Path], notify: Callable[[], None], stop: Event) -> None:
        try:
            from watchfiles import watch  # noqa: PLC0415 (an extra)

            for _ in watch(
                *folders,
                watch_filter=None,
                debounce=_GROUP_MS,
                step=_QUIET_MS,
                rust_timeout=_WAKE_MS,
                stop_event=stop,
                raise_interrupt=False,
                recursive=False,
                ignore_permission_denied=False,
            ):
                notify()
        except ImportError:
            self._fail("watchfiles is not installed: pip install 'modelpack[dev]'", notify)
        except (OSError, RuntimeError) as err:  # watchfiles raises both for limits of the system
            self._fail(f"the system sends no events ({err})", notify)

    def _fail(self, reason: str, notify: Callable[[], None]) -> None:
        self._reason = reason
        notify()
