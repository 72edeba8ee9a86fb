"""The peak memory of every process while a model of 3 GB is built as fp32, uncompressed.

Goal: no process above 1.5 GB, mapped files included. Needs 20 GB of disk for some minutes, and /proc.
"""

from __future__ import annotations

import sys

from memory import Watched, is_possible, watch
from models import write_large_model
from support import MODELPACK, print_table, throw_away_project

_WIDTH = 4096
_WEIGHTS = 48  # of 67 MB each
_GOAL_BYTES = 1.5e9
_CONFIG = """\
[output]
compression = "none"

[models.large]
source = "large.onnx"
variants = { fp32 = {} }
"""


def main() -> int:
    if not is_possible():
        print("this benchmark reads /proc, which this system lacks")
        return 0
    with throw_away_project() as project:
        write_large_model(project / "large.onnx", _WEIGHTS, _WIDTH)
        (project / "modelpack.toml").write_text(_CONFIG)
        size_bytes = (project / "large.data").stat().st_size
        watched = watch((*MODELPACK, "build", "--json=stream"), project)
        published = sum(path.stat().st_size for path in (project / "public").rglob("*.bin"))
    print(
        f"published {published / size_bytes:.3f} × the bytes of the model, in {watched.seconds:.0f} s"
    )
    _print_processes(watched, size_bytes)
    _print_steps(watched, size_bytes)
    return 0


def _print_processes(watched: Watched, size_bytes: int) -> None:
    names = {role: "parent" if role == "parent" else "child" for role in watched.process_bytes}
    rows = [
        (names[role], _giga(peak), f"{peak / size_bytes:.2f}", _verdict(peak))
        for role, peak in sorted(watched.process_bytes.items(), key=lambda pair: -pair[1])
    ]
    header = ("process", "peak", "÷ model", f"goal {_giga(_GOAL_BYTES)}")
    print_table(f"a model of {_giga(size_bytes)}", header, rows)


def _print_steps(watched: Watched, size_bytes: int) -> None:
    rows = [
        (
            step.split(":")[0],
            _giga(watched.step_bytes.get(step, 0)),
            _giga(watched.anonymous_bytes.get(step, 0)),
            f"{watched.step_bytes.get(step, 0) / size_bytes:.2f}",
            f"{took_s:.1f} s",
        )
        for step, took_s in watched.step_s.items()
    ]
    header = ("step", "peak of a worker", "not of files", "÷ model", "time")
    print_table("while a step ran", header, rows)


def _verdict(peak_bytes: float) -> str:
    return "met" if peak_bytes <= _GOAL_BYTES else "MISSED"


def _giga(size_bytes: float) -> str:
    return f"{size_bytes / 1e9:.2f} GB"


if __name__ == "__main__":
    sys.exit(main())
