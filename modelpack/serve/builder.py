"""One build after the other in one warm process: workers stay alive, and with them everything they have imported."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Protocol

from msgspec import Struct

from modelpack.engine.build import Outcome, Request, build_project
from modelpack.engine.runner import Listener
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.errors import ModelpackError, WorkerError
from modelpack.plan import make_plan
from modelpack.selection import select
from modelpack.serve.reading import (
    found_by_build,
    watched_before,
    watched_of,
    with_neighbours,
)
from modelpack.serve.snapshot import Watched
from modelpack.spec.project import Mode, Project
from modelpack.store.collection import collect_when_due
from modelpack.store.store import Store


class Cancellable(Workers, Protocol):
    """Workers whose running calls can be ended."""

    def cancel(self) -> None:
        """Ends every call that runs now."""
        ...


class Tools(Struct, frozen=True):
    """How the command line reads a project, opens its cache, and shows a build of so many steps."""

    config: Path
    declared: Callable[[], Project]
    complete: Callable[[Project], Project]
    open_store: Callable[[Project], Store]
    show: Callable[[int], AbstractContextManager[Listener]]
    say: Callable[[str], None]
    after: Callable[[Project, Store, Workers], None] = lambda _project, _store, _workers: None


class Wishes(Struct, frozen=True):
    """What is to be built, and how."""

    models: tuple[str, ...] = ()
    mode: Mode = "development"
    jobs: int = 1


class Built(Struct, frozen=True):
    """How a build ended: with an outcome, or with the error that kept it from beginning.

    `read` are the digests of what it read, `watched` what the next build would read.
    """

    watched: Watched
    began_s: float
    outcome: Outcome | None = None
    error: ModelpackError | None = None
    manifest: Path | None = None

    @property
    def read(self) -> Mapping[Path, str]:
        """The digest of every file that was read."""
        return self.outcome.read if self.outcome else {}


class Builder:
    """Builds when asked. `watched` is known before the first build, and better after each."""

    def __init__(self, tools: Tools, wishes: Wishes, workers: Cancellable) -> None:
        self.watched = watched_before(tools.config)
        self.project: Project | None = None
        self.config = tools.config
        self._tools = tools
        self._wishes = wishes
        self._workers = workers
        self._cancelled = Event()

    def build(self) -> Built:
        """One build of the project as it is now."""
        self._cancelled.clear()
        began_s = time.time()
        try:
            project = self._read()
            with self._tools.open_store(project) as store:
                outcome = self._run(project, store)
        except ModelpackError as err:
            self.watched = with_neighbours(self.watched)
            return Built(self.watched, began_s, error=err)
        declared = watched_of(project)
        found = found_by_build(outcome.read, outcome.absent, declared.ours)
        self.watched = declared.joined(found)
        if outcome.errors:
            self.watched = with_neighbours(self.watched)
        return Built(self.watched, began_s, outcome, None, project.output.path / "manifest.json")

    def cancel(self) -> None:
        """The build that runs begins no further step."""
        self._cancelled.set()

    def kill(self) -> None:
        """The build that runs ends now."""
        self._cancelled.set()
        self._workers.cancel()

    @property
    def is_cancelled(self) -> bool:
        """Whether the build that runs, or ran last, was told to stop."""
        return self._cancelled.is_set()

    def run(self, call: Call, timeout_s: float) -> object:
        """The call's result. Raises: ModelpackError; WorkerError MP-E401 if the build was cancelled meanwhile."""
        if self._cancelled.is_set():
            raise WorkerError("MP-E401", "a newer build takes its place", where=call.label)
        return self._workers.run(call, timeout_s)

    def _read(self) -> Project:
        declared = self._tools.declared()
        self.watched = self.watched.joined(watched_of(declared))
        self.project = self._tools.complete(declared)
        self.watched = self.watched.joined(watched_of(self.project))
        return self.project

    def _run(self, whole: Project, store: Store) -> Outcome:
        for warning in store.warnings:
            self._tools.say(f"warning: {warning}")
        wishes = self._wishes
        project = select(whole, wishes.models)
        request = Request(project, whole, wishes.mode, jobs=wishes.jobs, on_wait=self._tools.say)
        with self._tools.show(len(make_plan(project, wishes.mode).steps)) as listen:
            outcome = build_project(request, store, self, listen)
        if outcome.exit_code == 0:
            self._tools.after(whole, store, self)
        collect_when_due(store, whole.cache.max_size_bytes, whole.cache.max_age_s, time.time())
        return outcome
