"""Which steps run after a change to one of ten models, and how long that takes beside a full build.

Goals: a changed model runs its own steps only; a touched one, and a removed `node_modules`, run none.
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

from models import write_small_model
from support import print_table, streamed_steps, throw_away_project

_MODELS = 10
_ROUNDS = 5
_CHANGED = "model3"
_NPM_MODEL = "npm-model"


def main() -> None:
    changes: dict[str, Callable[[Path, int], None]] = {
        "one model changed": _change,
        "touched, same content": _touch,
        "node_modules removed, installed again": _reinstall,
        "nothing": lambda _project, _round: None,
    }
    with throw_away_project() as project:
        _write_project(project)
        full, full_s = streamed_steps(project)
        full_times = [full_s]
        times: dict[str, list[float]] = {name: [] for name in changes}
        ran: dict[str, set[str]] = {name: set() for name in changes}
        for number in range(_ROUNDS):
            for name, change in changes.items():
                change(project, number)
                steps, took_s = streamed_steps(project)
                times[name].append(took_s)
                ran[name] |= set(steps)
            full_times.append(streamed_steps(project, "--force")[1])
    full_s = statistics.median(full_times)
    rows = [("everything", str(len(full)), "", "1.00")]
    for name in changes:
        ratio = statistics.median(times[name]) / full_s
        rows.append((name, str(len(ran[name])), _strangers(ran[name]), f"{ratio:.2f}"))
    header = ("what happened", "steps run", "of other models", "time ÷ full build")
    print_table(
        f"{_MODELS} models, 2 variants each; a full build takes {full_s:.1f} s", header, rows
    )


def _write_project(project: Path) -> None:
    (project / "models").mkdir()
    tables = []
    for number in range(_MODELS - 1):
        write_small_model(project / "models" / f"model{number}.onnx", number)
        tables.append(f'[models.model{number}]\nsource = "models/model{number}.onnx"\n')
    tables.append(f'[models.{_NPM_MODEL}]\nsource = "npm:made-up/model.onnx"\n')
    (project / "modelpack.toml").write_text("".join(tables))
    _install(project)


def _install(project: Path) -> None:
    package = project / "node_modules" / "made-up"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "made-up", "version": "1.0.0"}')
    write_small_model(package / "model.onnx", 99)


def _reinstall(project: Path, _round: int) -> None:
    shutil.rmtree(project / "node_modules")
    _install(project)


def _touch(project: Path, _round: int) -> None:
    os.utime(project / "models" / f"{_CHANGED}.onnx")


def _change(project: Path, number: int) -> None:
    write_small_model(project / "models" / f"{_CHANGED}.onnx", 1000 + number)


def _strangers(steps: set[str]) -> str:
    """How many of these steps belong to a model that was not changed."""
    return str(sum(step.split(":")[1].split("@")[0] != _CHANGED for step in steps))


if __name__ == "__main__":
    main()
