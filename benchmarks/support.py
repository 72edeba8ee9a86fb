"""What the benchmarks share: throw-away projects, timing in turn, tables, and peers in a venv of their own."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parent.parent
MODELPACK = (sys.executable, "-m", "modelpack")
TIMEOUT_S = 600.0

Command = Sequence[str]
Event = dict[str, object]


@contextmanager
def throw_away_project() -> Iterator[Path]:
    """An empty folder that is a workspace of its own, removed in the end."""
    with tempfile.TemporaryDirectory(prefix="modelpack-bench-") as folder:
        project = Path(folder).resolve() / "project"
        (project / ".git").mkdir(parents=True)
        yield project


def run(command: Command, folder: Path) -> str:
    """What the command prints on stdout. Raises: CalledProcessError, with what it said shown."""
    finished = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if finished.returncode:
        sys.stderr.write(finished.stderr)
        finished.check_returncode()
    return finished.stdout


def seconds(command: Command, folder: Path) -> float:
    """How long the whole command takes, start-up included."""
    began_s = time.perf_counter()
    run(command, folder)
    return time.perf_counter() - began_s


def medians_in_turn(commands: Mapping[str, tuple[Command, Path]], rounds: int) -> dict[str, float]:
    """The median seconds of each command. They take turns, so that a busy machine is busy for all; the first round warms up."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, (command, folder) in commands.items():
            times[name].append(seconds(command, folder))
    return {name: statistics.median(each[1:]) for name, each in times.items()}


def streamed_events(folder: Path, *arguments: str) -> tuple[list[tuple[float, Event]], float]:
    """The steps' events of a build of the folder, each with the seconds since the start at which it came; and the seconds in all."""
    began_s = time.perf_counter()
    command = (*MODELPACK, "build", "--json=stream", *arguments)
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as build:
        lines = [(time.perf_counter() - began_s, line) for line in build.stdout or ()]
    took_s = time.perf_counter() - began_s
    if build.returncode:
        raise subprocess.CalledProcessError(build.returncode, command)
    events = [(came_s, cast("Event", json.loads(line))) for came_s, line in lines]
    return [(came_s, event) for came_s, event in events if event.get("event") == "step"], took_s


def streamed_steps(folder: Path, *arguments: str) -> tuple[list[str], float]:
    """The names of steps that really ran in a build of the folder, and the seconds the build took."""
    events, took_s = streamed_events(folder, *arguments)
    return [str(event["step"]) for _, event in events if event["state"] == "finished"], took_s


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints the rows under the header, columns aligned; the first to the left, figures to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    print(f"\n{title}\n")
    for row in (header, *rows):
        first, *figures = (
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *figures)).rstrip())
    sys.stdout.flush()


def milliseconds(value_s: float) -> str:
    """`41 ms`."""
    return f"{value_s * 1000:.0f} ms"


@contextmanager
def peer(name: str) -> Iterator[str]:
    """The path of a peer's program: the one on PATH, else one installed into a venv that is removed in the end."""
    found = shutil.which(name)
    if found:
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="modelpack-peer-") as folder:
        venv.create(folder, with_pip=True)
        scripts = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
        run((str(scripts / "python"), "-m", "pip", "install", "--quiet", name), Path(folder))
        yield str(scripts / name)
