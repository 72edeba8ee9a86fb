"""A cold build of the four real models: by step, on one worker and on two, and what cutting costs.

Needs MODELPACK_REAL_MODELS, the folder that holds the models.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from support import Event, print_table, run, streamed_events, throw_away_project

_ROUNDS = 5
_MODELS = {
    "ultraface": ("fp32", "fp16", "q8"),
    "silero_vad": ("fp32", "fp16", "q8"),
    "magika_v3_2": ("fp32", "fp16", "q8", "q4"),
    "magika_v3_3": ("fp32", "fp16", "q8", "q4"),
}
_KINDS = ("inspect", "simplify", "shake", "quantize", "split", "compress")
_CUTTING = Path(__file__).parent / "cutting.py"


def main() -> int:
    models = os.environ.get("MODELPACK_REAL_MODELS")
    if not models:
        print("set MODELPACK_REAL_MODELS to the folder of real models")
        return 0
    with throw_away_project() as project:
        for name in _MODELS:
            shutil.copyfile(Path(models) / f"{name}.onnx", project / f"{name}.onnx")
        _write_config(project)
        _time_by_step(project)
        sources = [str(project / f"{name}.onnx") for name in _MODELS]
        print("\nrequests, and compression lost to the cutting rule\n", flush=True)
        print(run((sys.executable, str(_CUTTING), *sources), project), end="")
    return 0


def _write_config(project: Path) -> None:
    lines: list[str] = []
    for name, variants in _MODELS.items():
        lines += [f"[models.{name}]", f'source = "{name}.onnx"', f"[models.{name}.variants]"]
        lines += [f"{variant} = {{}}" for variant in variants]
    (project / "modelpack.toml").write_text("\n".join(lines))


def _time_by_step(project: Path) -> None:
    """By step on one worker; and one worker against two, beside two processes that share nothing."""
    whole: dict[int, list[float]] = {1: [], 2: []}
    control: dict[int, list[float]] = {1: [], 2: []}
    by_kind: dict[str, list[float]] = {}
    for _ in range(_ROUNDS):
        for jobs, times in whole.items():
            shutil.rmtree(project / ".modelpack", ignore_errors=True)
            shutil.rmtree(project / "public", ignore_errors=True)
            events, took_s = streamed_events(project, "--jobs", str(jobs))
            times.append(took_s)
            control[jobs].append(_spinning_s(jobs))
            if jobs == 1:
                for kind, kind_s in _shares(events, took_s).items():
                    by_kind.setdefault(kind, []).append(kind_s)
    one_s, two_s = (statistics.median(times) for times in whole.values())
    medians = {kind: statistics.median(times) for kind, times in by_kind.items()}
    rows = [(kind, f"{kind_s:.2f} s", f"{kind_s / one_s:.0%}") for kind, kind_s in medians.items()]
    rows.append(("whole build", f"{one_s:.2f} s", "100%"))
    print_table(
        "cold build of 4 models, 14 variants, on one worker", ("step", "time", "share"), rows
    )
    possible = statistics.median(control[1]) / statistics.median(control[2])
    print(f"\ntwo workers: {two_s:.2f} s, a speed-up of {one_s / two_s:.2f};", end=" ")
    print(f"two loops that share nothing: {possible:.2f}")


def _shares(events: Sequence[tuple[float, Event]], took_s: float) -> dict[str, float]:
    """Where the seconds of a build on one worker went: what ends next is what ran until then.

    The seconds of the events themselves would not do: they begin while a step waits for the worker.
    """
    shares = dict.fromkeys(("start-up", *_KINDS, "judge and publish"), 0.0)
    before_s = shares["start-up"] = events[0][0]
    for came_s, event in events:
        if event["state"] in {"progress", "finished"}:
            shares[str(event["step"]).split(":")[0]] += came_s - before_s
            before_s = came_s
    shares["judge and publish"] = took_s - before_s
    return shares


def _spinning_s(at_once: int) -> float:
    """The seconds of two equal loops, one after the other or both at once: what the machine has to give."""
    began_s = time.perf_counter()
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(2):
        running.append(subprocess.Popen((sys.executable, "-c", "for _ in range(20_000_000): pass")))
        if len(running) == at_once:
            for process in running:
                process.wait()
            running.clear()
    return time.perf_counter() - began_s


if __name__ == "__main__":
    sys.exit(main())
