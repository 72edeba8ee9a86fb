"""`modelpack build` with nothing to do, beside Python's own start-up and `dvc repro` on the same files.

Goals: at most 2 × start-up + 60 ms for the digits example, and 5 × that for 200 models of 2 variants.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from models import write_small_model
from support import (
    MODELPACK,
    ROOT,
    Command,
    medians_in_turn,
    milliseconds,
    peer,
    print_table,
    run,
    seconds,
    throw_away_project,
)

_ROUNDS = 9
_SLOW_ROUNDS = 5
_MODELS = 200
_BUILD = (str(Path(sys.executable).parent / "modelpack"), "build")
_START = (sys.executable, "-c", "pass")
_HEADER = ("nothing to do", "time", "÷ start-up", "goal", "")


def main() -> None:
    with peer("dvc") as dvc:
        _digits(dvc)
        _many(dvc)


def _digits(dvc: str) -> None:
    with throw_away_project() as project:
        left_out = shutil.ignore_patterns("node_modules", ".modelpack", "public")
        shutil.copytree(ROOT / "examples" / "digits", project, ignore=left_out, dirs_exist_ok=True)
        run(_BUILD, project)
        _prepare_dvc(dvc, project, ["models/digits.onnx"], ("q8", "fp16", "fp32"))
        found = _measure(dvc, project, _ROUNDS)
        goal_s = 2 * found["python -c pass"] + 0.060
        _print("examples/digits, 3 variants", found, goal_s)


def _many(dvc: str) -> None:
    with throw_away_project() as project:
        models = [f"models/model{number:03}.onnx" for number in range(_MODELS)]
        (project / "models").mkdir()
        for number, model in enumerate(models):
            write_small_model(project / model, number)
        tables = (f'[models.{Path(model).stem}]\nsource = "{model}"\n' for model in models)
        (project / "modelpack.toml").write_text("".join(tables))
        first_s = seconds((*MODELPACK, "build"), project)
        again_s = seconds((*MODELPACK, "build", "--jobs", "3"), project)
        first_dvc_s = _prepare_dvc(dvc, project, models, ("fp32", "q8"))
        found = _measure(dvc, project, _SLOW_ROUNDS)
        goal_s = 5 * (2 * found["python -c pass"] + 0.060)
        _print(f"{_MODELS} models, 2 variants each", found, goal_s)
        print(
            f"\nfirst build of all: modelpack {first_s:.1f} s; dvc, which only copies: {first_dvc_s:.1f} s"
        )
        print(f"every step from the cache, without the whole-build record: {again_s:.2f} s")


def _measure(dvc: str, project: Path, rounds: int) -> dict[str, float]:
    commands: dict[str, tuple[Command, Path]] = {
        "python -c pass": (_START, project),
        "modelpack build": (_BUILD, project),
        "dvc repro": ((dvc, "repro", "--quiet"), project),
    }
    run(_BUILD, project)
    return medians_in_turn(commands, rounds)


def _prepare_dvc(dvc: str, project: Path, models: Sequence[str], variants: Sequence[str]) -> float:
    """The seconds of the first `dvc repro`: one stage for each model and variant, each a copy of the model."""
    stages = {}
    for model in models:
        for variant in variants:
            name = f"{Path(model).stem}-{variant}"
            target = f"dvc-out/{name}.onnx"
            stages[name] = {"cmd": f"cp {model} {target}", "deps": [model], "outs": [target]}
    (project / "dvc-out").mkdir()
    (project / "dvc.yaml").write_text(json.dumps({"stages": stages}))  # JSON is YAML
    run((dvc, "init", "--no-scm", "--quiet"), project)
    run((dvc, "config", "core.analytics", "false"), project)
    return seconds((dvc, "repro", "--quiet"), project)


def _print(title: str, found: dict[str, float], goal_s: float) -> None:
    start_s = found["python -c pass"]
    rows = [
        (
            name,
            milliseconds(took_s),
            f"{took_s / start_s:.1f}",
            milliseconds(goal_s) if name == "modelpack build" else "",
            ("met" if took_s <= goal_s else "MISSED") if name == "modelpack build" else "",
        )
        for name, took_s in found.items()
    ]
    print_table(title, _HEADER, rows)
    ratio = found["dvc repro"] / found["modelpack build"]
    print(f"\ndvc repro ÷ modelpack build: {ratio:.1f}")


if __name__ == "__main__":
    main()
