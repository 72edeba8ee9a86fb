"""How much memory a command and all its children take, sampled from /proc while it runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Thread
from time import perf_counter, sleep

from support import TIMEOUT_S, Command

_SAMPLE_S = 0.02


class Watched:
    """A finished `build --json=stream`: the peak of each process, and of each step while it ran.

    Peaks are resident bytes, mapped files included. `anonymous_bytes` are those of a step that no file backs.
    """

    def __init__(self) -> None:
        self.process_bytes: dict[str, int] = {}
        self.step_bytes: dict[str, int] = {}
        self.anonymous_bytes: dict[str, int] = {}
        self.step_s: dict[str, float] = {}
        self.seconds = 0.0
        self._running: set[str] = set()

    def note_events(self, lines: Iterable[str]) -> None:
        """Takes notice of the stream, line by line, until it ends."""
        for line in lines:
            event = json.loads(line)
            if event.get("state") == "started":
                self._running.add(event["step"])
            elif event.get("state") == "finished":
                self._running.discard(event["step"])
                self.step_s[event["step"]] = event["seconds"]

    def note_process(self, role: str, status: dict[str, int]) -> None:
        """Takes notice of a process as it is now."""
        peak = max(self.process_bytes.get(role, 0), status.get("VmHWM", 0))
        self.process_bytes[role] = peak
        if role == "parent":
            return
        for step in tuple(self._running):
            for peaks, field in ((self.step_bytes, "VmRSS"), (self.anonymous_bytes, "RssAnon")):
                peaks[step] = max(peaks.get(step, 0), status.get(field, 0))


def watch(command: Command, folder: Path) -> Watched:
    """The command's memory from start to end. Linux only. Raises: CalledProcessError."""
    watched = Watched()
    began_s = perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as parent:
        reader = Thread(target=watched.note_events, args=(parent.stdout or (),), daemon=True)
        reader.start()
        while parent.poll() is None:
            for pid in _tree(parent.pid):
                role = "parent" if pid == parent.pid else f"child {pid}"
                watched.note_process(role, _status(pid))
            if perf_counter() - began_s > TIMEOUT_S:
                parent.terminate()
            sleep(_SAMPLE_S)
        reader.join()
    watched.seconds = perf_counter() - began_s
    if parent.returncode:
        raise subprocess.CalledProcessError(parent.returncode, command)
    return watched


def is_possible() -> bool:
    """Whether this system has what `watch` reads."""
    return sys.platform == "linux" and Path("/proc/self/status").exists()


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))
    except OSError:
        return  # it ended meanwhile


def _status(pid: int) -> dict[str, int]:
    """The memory of the process, in bytes by field. Empty if it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    fields = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    return {field[0].rstrip(":"): int(field[1]) * 1024 for field in fields}
