"""A watch over a fixture project, in a thread of this process, with what it told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Condition, Event, Thread

from modelpack.cli.project import completed, project_store
from modelpack.config.read import read_project
from modelpack.engine.runner import Listener
from modelpack.engine.worker import Call
from modelpack.errors import WorkerError
from modelpack.record import BuildReport
from modelpack.serve.builder import Builder, Tools, Wishes
from modelpack.serve.hints import Hints
from modelpack.serve.watch import Pace, Watch
from modelpack.watched import BuildBegan, BuildEnded, Resting, WatchEvent, WatchNote, WatchTrouble
from tests.support.fakes import InlineWorkers
from tests.support.projects import Project

LIMIT_S = 30.0
FAST = Pace(quiet_s=0.02, growing_s=0.1, look_s=0.05, blind_look_s=0.05, patience_s=0.2)


class SilentHints:
    """Claims to hint and never does: events that are lost, and drives that send none."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        self.folders: list[frozenset[Path]] = []

    def watch(self, folders: frozenset[Path], notify: Callable[[], None]) -> None:
        self.folders.append(folders)

    def stop(self) -> None:
        pass


class GatedWorkers(InlineWorkers):
    """Workers whose calls wait at a gate; cancelling lets them go with an error."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Event()
        self.gate.set()
        self.arrived = Event()
        self.cancelled = 0

    def run(self, call: Call, timeout_s: float) -> object:
        self.arrived.set()
        before = self.cancelled
        end_s = time.monotonic() + LIMIT_S
        while not self.gate.wait(0.01):
            if self.cancelled > before:
                raise WorkerError("MP-E401", "the step was cancelled")
            assert time.monotonic() < end_s
        return super().run(call, timeout_s)

    def cancel(self) -> None:
        self.cancelled += 1


class Told:
    """Everything that the watch told, and ways to wait for it."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []
        self._news = Condition()

    def hear(self, event: WatchEvent) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    @property
    def reports(self) -> list[BuildReport]:
        return [event.report for event in list(self.events) if isinstance(event, BuildEnded)]

    @property
    def troubles(self) -> list[str]:
        return [event.error for event in list(self.events) if isinstance(event, WatchTrouble)]

    @property
    def notes(self) -> list[str]:
        return [event.note for event in list(self.events) if isinstance(event, WatchNote)]

    @property
    def builds(self) -> list[tuple[str, ...]]:
        """The changed files of every build that began."""
        return [event.changed for event in list(self.events) if isinstance(event, BuildBegan)]

    def wait(self, until: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(until, LIMIT_S), self.events

    def rested(self, times: int) -> None:
        """Waits until the watch came to rest so often."""
        self.wait(lambda: sum(isinstance(event, Resting) for event in self.events) >= times)


@contextmanager
def watching(
    project: Project,
    hints: Hints | None = None,
    workers: GatedWorkers | None = None,
    pace: Pace = FAST,
) -> Iterator[Told]:
    """A watch that has begun, stopped when the block ends."""
    told = Told()
    tools = Tools(
        project.config,
        lambda: read_project(project.config, "development"),
        completed,
        project_store,
        _silent,
        lambda _: None,
    )
    builder = Builder(tools, Wishes(jobs=2), workers or GatedWorkers())
    watch = Watch(builder, hints or SilentHints(), told.hear, pace)
    thread = Thread(target=watch.run)
    thread.start()
    try:
        yield told
    finally:
        watch.stop()
        thread.join(LIMIT_S)
        assert not thread.is_alive()


def _silent(_steps: int) -> AbstractContextManager[Listener]:
    return nullcontext(lambda _event: None)
