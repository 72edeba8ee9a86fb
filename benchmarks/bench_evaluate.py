"""Evaluation of a variant against the plain loop that runs the same samples in onnxruntime.

    python benchmarks/bench_evaluate.py [--files 800]

Both open the original and the variant with the same options, and run every sample through both. The plain loop keeps
nothing; the step also compares, keeps the figures of every sample, and bounds them by bootstrap. Needs magika in
MODELPACK_REAL_MODELS. They take turns, and the medians of their processor times are compared: 1.00 means that measuring costs nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from modelpack.graph.golden.files import FolderFile, read_files
from modelpack.graph.golden.samples import Sample, write_samples
from modelpack.graph.sessions import open_session, session_inputs
from modelpack.planned import EvaluateParams, QuantizeParams, ShakeParams
from modelpack.spec.golden import RawLayout
from modelpack.steps import evaluate, quantize, shake
from modelpack.steps.contract import InputFiles, StepInput

TURNS = 3
LIMIT = 1.15
METRICS = ("kl_divergence", "top5_agreement")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=800)
    arguments = parser.parse_args()
    models = os.environ.get("MODELPACK_REAL_MODELS")
    if not models:
        print("skipped: MODELPACK_REAL_MODELS is not set")
        return
    source = Path(models) / "magika_v3_3.onnx"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        samples = tuple(read_samples(source, arguments.files))
        judge = write_samples(folder / "judge.npz", ["bytes"], samples)
        variant = make_variant(source, folder)
        pairs = [
            (
                cpu_s(lambda: run_plainly(source, variant, samples)),
                cpu_s(lambda: run_step(source, variant, judge, folder)),
            )
            for _ in range(TURNS)
        ]
    plain, step = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(
        f"{len(samples)} files: plain loop {plain:.2f} s, evaluate {step:.2f} s, {step / plain:.3f} × (at most {LIMIT})"
    )


def read_samples(source: Path, count: int) -> tuple[Sample, ...]:
    layout = RawLayout(first=1024, last=1024, padding=256, strip=True)
    files = [FolderFile(path, path.name) for path in machine_files(count)]
    return read_files(files, session_inputs(open_session(source)), layout)


def machine_files(count: int) -> Iterator[Path]:
    """Files that every Python installation has, of as many kinds as there are."""
    paths = sorted(Path(sysconfig.get_path("platlib")).rglob("*"))
    found = [path for path in paths if path.is_file() and path.stat().st_size > 256]
    yield from found[:: max(1, len(found) // count)][:count]


def make_variant(source: Path, folder: Path) -> Path:
    shaken = shake.run(step_input(ShakeParams((), ()), folder / "shake", model=source))
    params = QuantizeParams("q8", "wasm", (), 32)
    quantized = quantize.run(step_input(params, folder / "quantize", model=shaken.files[0].path))
    return quantized.files[0].path


def run_plainly(source: Path, variant: Path, samples: tuple[Sample, ...]) -> None:
    sessions = [open_session(source), open_session(variant)]
    for sample in samples:
        for session in sessions:
            session.run(None, dict(sample.feeds))


def run_step(source: Path, variant: Path, judge: Path, folder: Path) -> None:
    params = EvaluateParams((), (), METRICS)
    place = folder / f"evaluate-{time.monotonic_ns()}"
    evaluate.run(step_input(params, place, reference=source, model=variant, judge=judge))


def step_input(params: object, folder: Path, **files: Path) -> StepInput:  # type: ignore[type-arg]
    folder.mkdir()
    roles = tuple(InputFiles(role, (path,)) for role, path in files.items())
    return StepInput(params, roles, folder)  # type: ignore[type-var]


def cpu_s(work: Callable[[], None]) -> float:
    """The processor time that it takes; on a machine that others use too, the clock says nothing."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
