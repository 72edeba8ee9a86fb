"""What `watch` and `dev` have in common: their options, and a watch that speaks to this terminal."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Literal, Protocol

from msgspec.structs import replace

from modelpack.cli.options import Options, add_jobs, add_models
from modelpack.cli.progress import show_progress
from modelpack.cli.project import completed, config_path, project_store
from modelpack.cli.terminal import Terminal
from modelpack.config.read import read_project
from modelpack.engine.runner import Listener
from modelpack.engine.workers import ProcessWorkers, Workers
from modelpack.record import StepEvent
from modelpack.report.json import watch_line
from modelpack.report.watch import watch_text
from modelpack.serve.builder import Builder, Tools, Wishes
from modelpack.serve.hints import SystemHints
from modelpack.serve.stdin import when_closed
from modelpack.serve.watch import Watch
from modelpack.spec.project import Mode, Project
from modelpack.store.store import Store
from modelpack.watched import BuildEnded, Resting, WatchEvent, WatchNote, WatchTrouble

_STDIN = 0


class WatchOptions(Options):
    """What `watch` and `dev` understand."""

    models: list[str]
    mode: Mode
    jobs: int
    json: Literal["stream"] | None
    forever: bool


def add_watch_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that both have."""
    add_models(parser)
    parser.add_argument(
        "--mode",
        choices=("production", "development"),
        default="development",
        help="development (the default): quick compression, budgets warn",
    )
    add_jobs(parser)
    parser.add_argument(
        "--json",
        nargs="?",
        const="stream",
        choices=("stream",),
        help="print events to stdout, a JSON object a line",
    )
    parser.add_argument(
        "--forever",
        action="store_true",
        help="go on when stdin is closed; without it, a closed pipe ends the command",
    )


class Audience:
    """Shows a watch on a terminal, or streams it. Says nothing more once it was dismissed."""

    def __init__(self, terminal: Terminal, *, as_stream: bool) -> None:
        self._terminal = terminal
        self._as_stream = as_stream
        self._lock = Lock()
        self._is_over = False
        self._last_rest: Resting | None = None

    def hear(self, event: WatchEvent) -> None:
        """Shows the event."""
        with self._lock:
            if self._is_over:
                return
            if self._as_stream:
                self._terminal.data(watch_line(event))
            if isinstance(event, Resting) and event == self._last_rest:
                return  # said once is enough
            if isinstance(event, Resting):
                self._last_rest = event
            text = watch_text(event, self._terminal.palette)
            if _is_failure(event):
                self._terminal.complain(text)
            elif text:
                self._terminal.say(text.rstrip("\n"))

    def say(self, text: str) -> None:
        """Shows a note."""
        self.hear(WatchNote(text.removeprefix("warning: ")))

    @contextmanager
    def show(self, steps: int) -> Iterator[Listener]:
        """A listener for the steps of one build."""
        with show_progress(self._terminal, steps, as_stream=self._as_stream) as listen:

            def heard(event: StepEvent) -> None:
                if not self._is_over:
                    listen(event)

            yield heard

    def dismiss(self) -> None:
        """Whatever threads still have to say is of no interest."""
        with self._lock:
            self._is_over = True


class Companion(Protocol):
    """Somebody who takes part in a watch: a server."""

    def adopt(self, project: Project) -> Project:
        """The project as it is to be built."""
        ...

    def prepare(
        self, mode: Mode, say: Callable[[str], None]
    ) -> Callable[[Project, Store, Workers], None]:
        """What is to be done after each build."""
        ...

    def hear(self, event: WatchEvent) -> None:
        """Takes in an event, before it is shown."""
        ...


@contextmanager
def watching(
    options: WatchOptions, terminal: Terminal, companion: Companion | None = None
) -> Iterator[tuple[Watch, Callable[[WatchEvent], None]]]:
    """A watch that is not running yet, and what to call to have something shown."""
    path = config_path(options)
    audience = Audience(terminal, as_stream=options.json == "stream")
    workers = ProcessWorkers(options.jobs)

    def tell(event: WatchEvent) -> None:
        if companion is not None:
            companion.hear(event)
        audience.hear(event)

    tools = Tools(
        path,
        lambda: read_project(path, options.mode),
        completed,
        project_store,
        audience.show,
        audience.say,
    )
    if companion is not None:
        adopt, after = companion.adopt, companion.prepare(options.mode, audience.say)
        tools = replace(tools, complete=lambda project: adopt(completed(project)), after=after)
    wishes = Wishes(tuple(options.models), options.mode, options.jobs)
    watch = Watch(Builder(tools, wishes, workers), SystemHints(), tell)
    if not options.forever:
        when_closed(_STDIN, watch.stop)
    try:
        yield watch, tell
    finally:
        audience.dismiss()
        workers.stop()


def _is_failure(event: WatchEvent) -> bool:
    if isinstance(event, BuildEnded):
        return event.report.status not in {"built", "unchanged"}
    return isinstance(event, WatchTrouble)
