"""Builds, waits until something changed and has come to rest, builds again.

1. What a build is made of is looked at before it begins. Afterwards anything that differs from that means: build again.
2. Nothing is built from files that still change: two looks in a row must agree, with more time between them for a file
   that grows.
3. A change during a build makes the build give way: it begins no further step, and after a while its steps are ended.
   What its finished steps gave is remembered, so that the last state wins and little is lost.
4. Only the time since something is measured, never what time it is: clocks jump, and machines sleep.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

from msgspec import Struct

from modelpack.digest import digest_file
from modelpack.serve.builder import Builder, Built
from modelpack.serve.hints import Hints
from modelpack.serve.snapshot import (
    Mark,
    Snapshot,
    are_emptied,
    changed_files,
    folders_of,
    has_grown,
    look,
)
from modelpack.watched import BuildBegan, BuildEnded, Resting, WatchEvent, WatchNote, WatchTrouble

_RACY_S = 2.0  # FAT keeps times to 2 s; nothing in use is coarser


class Pace(Struct, frozen=True):
    """How long is waited, in seconds: for files to rest, to be whole, between looks with hints and without, before a kill."""

    quiet_s: float = 0.05
    growing_s: float = 0.5
    look_s: float = 2.0
    blind_look_s: float = 0.5
    patience_s: float = 2.0
    longest_share: float = 0.05  # looks take at most so much of the time


class Watch:
    """A watch over one project. `run` returns when it was stopped."""

    def __init__(
        self,
        builder: Builder,
        hints: Hints,
        tell: Callable[[WatchEvent], None],
        pace: Pace = Pace(),  # noqa: B008 (frozen)
    ) -> None:
        self._builder = builder
        self._hints = hints
        self._tell = tell
        self._pace = pace
        self._wake = Event()
        self._stopped = Event()
        self._armed: frozenset[tuple[Path, int]] = frozenset()
        self._blind = ""

    def stop(self) -> None:
        """Ends the watch, and the build that runs. May be called from any thread."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Builds at once, then whenever something changed, until it is stopped."""
        threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="build")
        before: Snapshot | None = None
        try:
            while not self._stopped.is_set():
                now = self._settled(before or {})
                if self._stopped.is_set():
                    return
                self._tell(BuildBegan(() if before is None else self._names(before, now)))
                built = self._build(threads, now)
                before = self._baseline(built, now)
                self._rest(before, built)
        finally:
            self._builder.kill()
            self._hints.stop()
            threads.shutdown(
                wait=False
            )  # whoever owns the workers stops them next, and so the build

    def _settled(self, last: Snapshot) -> Snapshot:
        """The inputs, once nothing about them changes any more."""
        before = look(self._builder.watched)
        growing = are_emptied(last, before)
        began_s, told = time.monotonic(), False
        while not self._stopped.is_set():
            if growing and not told and time.monotonic() - began_s >= self._pace.patience_s:
                told = True
                self._tell(WatchNote(f"waiting until {growing[0].name} is complete"))
            self._pause(self._pace.growing_s if growing else self._pace.quiet_s)
            now = look(self._builder.watched)
            if now == before:
                break
            growing = (*are_emptied(before, now), *has_grown(before, now))
            before = now
        return before

    def _build(self, threads: ThreadPoolExecutor, wanted: Snapshot) -> Built:
        watched = self._builder.watched  # the build will find out more, or less
        future = threads.submit(self._builder.build)
        future.add_done_callback(lambda _: self._wake.set())
        self._attend(future, lambda: bool(changed_files(wanted, look(watched))))
        built = future.result()
        if built.outcome is not None and not (built.outcome.errors and self._builder.is_cancelled):
            self._tell(BuildEnded(built.outcome.report))
        elif built.error is not None:
            self._tell(WatchTrouble(str(built.error)))
        return built

    def _attend(self, future: Future[Built], has_changed: Callable[[], bool]) -> None:
        """Until the build is done. What it is made of changes: it gives way, first politely."""
        cancelled_s = 0.0
        while not future.done():
            self._wake.wait(self._pace.blind_look_s)
            self._wake.clear()
            if self._stopped.is_set():
                self._builder.kill()
            elif not cancelled_s and has_changed():
                cancelled_s = time.monotonic()
                self._builder.cancel()
            elif cancelled_s and time.monotonic() - cancelled_s > self._pace.patience_s:
                self._builder.kill()

    def _rest(self, before: Snapshot, built: Built) -> None:
        """Until something differs from what was built."""
        self._arm(before)
        if changed_files(before, look(built.watched)):
            return  # something came while the folders were not yet watched
        self._tell(Resting(len(self._armed), "looking" if self._hints.reason else "events"))
        took_s, wait_s = 0.0, self._pace.quiet_s  # at first often: hints may not come yet
        while not self._stopped.is_set():
            self._check_hints()
            slowest_s = self._pace.blind_look_s if self._blind else self._pace.look_s
            wait_s = max(min(2 * wait_s, slowest_s), took_s / self._pace.longest_share)
            self._pause(wait_s, until_hint=True)
            began_s = time.monotonic()
            now = look(built.watched)
            took_s = time.monotonic() - began_s
            if changed_files(before, now) or _is_gone(built):
                return
            self._arm(now)

    def _arm(self, now: Snapshot) -> None:
        """Hints for the folders as they are: one that was deleted and made again is another one."""
        places = set()
        for folder in folders_of(self._builder.watched, now):
            try:
                places.add((folder, folder.stat().st_ino))
            except OSError:
                continue  # gone this moment; the next look arms again
        if places == self._armed:
            return
        self._armed = frozenset(places)
        self._hints.watch(frozenset(folder for folder, _ in places), self._wake.set)

    def _check_hints(self) -> None:
        reason = self._hints.reason
        if reason and reason != self._blind:
            self._tell(WatchNote(f"{reason}; looking every {self._pace.blind_look_s:g} s instead"))
        self._blind = reason

    def _pause(self, wait_s: float, *, until_hint: bool = False) -> None:
        """Waits; hints end it only where they are waited for, a stop always does."""
        end_s = time.monotonic() + wait_s
        while (left_s := end_s - time.monotonic()) > 0 and not self._stopped.is_set():
            if self._wake.wait(left_s) and until_hint:
                self._wake.clear()
                return
            self._wake.clear()

    def _baseline(self, built: Built, wanted: Snapshot) -> Snapshot:
        """What the build was made of. Files that only the build found count as they are now, unless they are too new."""
        kept = {path: mark for path, mark in wanted.items() if _counts(built, path)}
        now = look(built.watched)
        return kept | {
            path: _known(built, path, mark) for path, mark in now.items() if path not in kept
        }

    def _names(self, before: Snapshot, now: Snapshot) -> tuple[str, ...]:
        folder = self._builder.config.parent
        return tuple(
            path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
            for path in changed_files(before, now)
        )


def _counts(built: Built, path: Path) -> bool:
    watched = built.watched
    if path in watched.files or path in watched.names:
        return True
    return any(path.is_relative_to(tree) for tree in watched.trees)


def _known(built: Built, path: Path, mark: Mark) -> Mark:
    """The mark of a file that nobody looked at before the build; none if the build may have read other bytes."""
    digest = built.read.get(path)
    if digest is None or not mark or not isinstance(mark[0], int):
        return mark
    times_ns = [part for part in mark[1:3] if isinstance(part, int)]
    if max(times_ns) < (built.began_s - _RACY_S) * 1e9:
        return mark
    try:
        return mark if digest_file(path) == digest else None
    except OSError:
        return None


def _is_gone(built: Built) -> bool:
    """Whether somebody deleted what this build published."""
    if built.outcome is None or built.outcome.exit_code or built.manifest is None:
        return False
    return not built.manifest.exists()
