"""What a build shows while it runs: one moving line on a terminal, plain lines elsewhere, NDJSON where asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock

from modelpack.cli.terminal import Terminal
from modelpack.engine.runner import Listener
from modelpack.record import StepEvent
from modelpack.report.events import event_text
from modelpack.report.json import event_line

_PLAIN_PROGRESS_S = (
    5.0  # CI logs: a line for long mapped steps now and then, not one for each chunk
)


@contextmanager
def show_progress(terminal: Terminal, total: int, *, as_stream: bool) -> Iterator[Listener]:
    """A listener that shows the events of a build of `total` steps while the block runs."""
    with _shown(terminal, total, as_stream=as_stream) as listen:
        is_over = Event()

        def heard(event: StepEvent) -> None:
            if is_over.is_set():
                return  # interrupted: what the threads of steps notice now is no news
            # In the thread of a step, nobody could act on it; the last word of the build meets the closed pipe again.
            with suppress(BrokenPipeError):
                listen(event)

        try:
            yield heard
        finally:
            is_over.set()


@contextmanager
def _shown(terminal: Terminal, total: int, *, as_stream: bool) -> Iterator[Listener]:
    if as_stream:
        lock = Lock()

        def stream(event: StepEvent) -> None:
            with lock:
                terminal.data(event_line(event))

        yield stream
    elif terminal.is_live:
        with _live(terminal, total) as listen:
            yield listen
    else:
        yield _Plain(terminal).listen


@contextmanager
def show_count(terminal: Terminal, doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work that counts its files; nothing where nothing can move."""
    if not terminal.is_live:
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 (35 ms, and only where something moves)
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(file=terminal.err, no_color=not terminal.has_color, highlight=False)
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task(doing, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


class _Plain:
    """Lines for logs: each step that ran, when it ended; long mapped steps also now and then."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown_s: dict[str, float] = {}
        self._lock = Lock()

    def listen(self, event: StepEvent) -> None:
        with self._lock:
            if not self._is_too_soon(event):
                line = event_text(event, self._terminal.palette)
                if line:
                    self._terminal.say(line)

    def _is_too_soon(self, event: StepEvent) -> bool:
        now_s = time.monotonic()
        if event.state == "progress" and now_s - self._shown_s[event.step] < _PLAIN_PROGRESS_S:
            return True
        self._shown_s[event.step] = now_s
        return False


@contextmanager
def _live(terminal: Terminal, total: int) -> Iterator[Listener]:
    from rich.console import Console  # noqa: PLC0415 (35 ms, and only where something moves)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(file=terminal.err, no_color=not terminal.has_color, highlight=False)
    columns = (
        BarColumn(30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    running: dict[str, str] = {}
    ended: set[str] = set()  # not a number: a build that starts over ends steps twice
    lock = Lock()
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=total)

        def listen(event: StepEvent) -> None:
            with lock:
                if event.state in {"started", "progress"}:
                    share = f" {event.done}/{event.total}" if event.total > 1 else ""
                    running[event.step] = event.step + share
                else:
                    running.pop(event.step, None)
                    ended.add(event.step)
                    progress.update(bar, completed=len(ended))
                description = ", ".join(running.values())
                progress.update(bar, description=description[: max(20, console.width - 60)])

        yield listen
