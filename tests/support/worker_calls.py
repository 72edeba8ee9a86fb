"""Functions that tests send to real worker processes."""

from __future__ import annotations

import importlib
import os
import signal
import time
from pathlib import Path

from modelpack.errors import SourceError


def double(number: int) -> int:
    return 2 * number


def refuse(_argument: object) -> None:
    raise SourceError("MP-E204", "is empty", where="model.onnx", remedy="fetch it again")


def surprise(_argument: object) -> None:
    raise ZeroDivisionError("one over\nnothing")


def die(_argument: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: Path) -> str:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def die_half_written(folder: Path) -> list[str]:
    """Dies the first time, with a file in its folder; then gives what it found there."""
    marker = folder.with_name("marker")
    found = sorted(path.name for path in folder.iterdir())
    (folder / "half.bin").touch()
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def shout(_argument: object) -> str:
    os.write(1, b"noise on stdout")
    os.write(2, b"noise on stderr")
    return os.environ["OMP_NUM_THREADS"]


def process_id(_argument: object) -> int:
    return os.getpid()


def variable(name: str) -> str | None:
    return os.environ.get(name)


def import_module(name: str) -> None:
    importlib.import_module(name)


def hang(marker: Path) -> None:
    """Says that it has begun, and never ends."""
    marker.touch()
    time.sleep(3600)
