"""`modelpack watch` and `modelpack dev` as processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO

from tests.support.cli import command, environment_with

LIMIT_S = 120.0
Event = dict[str, object]


class Running:
    """A process that streams events."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: Queue[str] = Queue()
        assert process.stdout is not None
        Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def event(self, name: str) -> Event:
        """The next event of that name; what comes before it is passed over."""
        end_s = time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            try:
                line = self._lines.get(timeout=1.0)
            except Empty:
                assert self.process.poll() is None, f"ended before {name}"
                continue
            event: Event = json.loads(line)
            if event["event"] == name:
                return event
        raise AssertionError(name)

    def close_stdin(self) -> tuple[int, str]:
        """Exit code and stderr, after the other end of stdin was closed."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        err = self.process.stderr.read()
        return self.process.wait(LIMIT_S), err

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line)


@contextmanager
def running(
    *argv: str | Path, stdin: int = subprocess.PIPE, cwd: Path | None = None, **environment: str
) -> Iterator[Running]:
    """The command, killed when the block ends and it is still there."""
    process = subprocess.Popen(
        command(*argv),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=environment_with(**environment),
        start_new_session=True,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 (nothing of ours holds a lock at this point)
    )
    try:
        yield Running(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _heed_interrupts() -> None:
    # What a shell starts in the background ignores SIGINT, and so would everything that tests start from there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
