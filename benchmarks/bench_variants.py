"""Bytes and accuracy of entropy-shaped variants against onnxruntime's own quantisers, in one run.

    PYTHONPATH=. python benchmarks/bench_variants.py [digits magika_v3_3 ultraface silero_vad minilm] [--forms gzip,zstd,br]

MODELPACK_REAL_MODELS is the folder of magika and ultraface; MODELPACK_MINILM a folder with model.onnx, tokenizer.json,
golden.jsonl and other.jsonl. What is not there is left out. Statistics come from the fit samples, choices from the tune
samples, and every figure that is printed from the judge samples; `other` is a set of another domain.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import brotli
import msgspec
import onnx_ir as ir
import zstandard
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks.variant_cases import Case, cases
from benchmarks.variant_peers import other_peers
from modelpack.graph.entropy.unrolled import unrolled
from modelpack.graph.golden.samples import Sample, read_samples, write_samples
from modelpack.graph.golden.split import split_samples
from modelpack.graph.io import read_model
from modelpack.graph.recipes.opset import at_least
from modelpack.graph.sessions import open_session, session_inputs
from modelpack.planned import (
    CalibrateParams,
    EvaluateParams,
    QuantizeParams,
    ShakeParams,
    SolveParams,
    SplitParams,
    StatisticsParams,
)
from modelpack.record import Evaluation, MetricValue
from modelpack.spec.limits import Target
from modelpack.spec.variants import Device, RecipeSettings, Shape
from modelpack.steps import calibrate, evaluate, quantize, shake, solve, split, statistics
from modelpack.steps.contract import InputFiles, StepInput, StepOutput
from modelpack.units import MIB

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: zlib.compress(content, 9),
    "zstd": lambda content: zstandard.compress(content, 19),
    "br": lambda content: bytes(brotli.compress(content)),
}
CALIBRATION_SAMPLES = 100
USUAL = RecipeSettings()
STATIC = {
    "minmax": RecipeSettings(activations="static"),
    "entropy": RecipeSettings(activations="static", calibrate_method="entropy"),
    "percentile": RecipeSettings(activations="static", calibrate_method="percentile"),
    "per tensor": RecipeSettings(activations="static", per_channel=False),
    "int16 activations": RecipeSettings(activations="static", activation_type="int16"),
}
CHUNK_BYTES = 4 * MIB  # the default of `chunk_size`


class Bench:
    """One model, prepared as a build would, in a folder of its own."""

    def __init__(self, case: Case, folder: Path, forms: Sequence[str]) -> None:
        self.case, self.folder, self.forms = case, folder, forms
        names = [value.name for value in session_inputs(open_session(case.source))]
        split = split_samples(case.samples)
        self.counts = len(split.fit), len(split.tune), len(split.judge)
        for role in ("fit", "tune", "judge"):
            write_samples(folder / f"{role}.npz", names, getattr(split, role))
        write_samples(folder / "other.npz", names, case.other)
        shaken = self._step(shake.run, ShakeParams(case.outputs, ()), model=(case.source,))
        self.model = tuple(file.path for file in shaken.files)

    @cached_property
    def statistics(self) -> Path:
        """What searches go by."""
        made = self._step(
            statistics.run,
            StatisticsParams(self.case.outputs, self.case.state),
            model=self.model,
            fit=(self.folder / "fit.npz",),
        )
        return made.files[0].path

    def shaped(self, cosine: float, shape: Shape, device: Device) -> tuple[Path, ...]:
        """The files of a shaped variant."""
        target = Target("cosine", cosine)
        params = SolveParams(device, shape, (), self.case.outputs, (target,), self.case.state)
        solved = self._step(
            solve.run,
            params,
            model=self.model,
            statistics=(self.statistics,),
            tune=(self.folder / "tune.npz",),
        )
        made = self._step(
            quantize.run,
            QuantizeParams("q8", device, (), 32),
            model=self.model,
            grids=(solved.files[0].path,),
        )
        return _model(made)

    def plain(self, dtype: Any, settings: RecipeSettings = USUAL) -> tuple[Path, ...]:
        """The files of a plain variant."""
        found = {"ranges": self._ranges(settings)} if settings.is_static else {}
        params = QuantizeParams(dtype, "wasm", (), 32, settings)
        made = self._step(quantize.run, params, model=self.model, **found)
        return _model(made)

    def _ranges(self, settings: RecipeSettings) -> tuple[Path, ...]:
        params = CalibrateParams(settings.calibrate_method, self.case.state)
        fit = (self.folder / "fit.npz",)
        return (self._step(calibrate.run, params, model=self.model, fit=fit).files[0].path,)

    def row(self, name: str, files: Sequence[Path], seconds: float) -> list[str]:
        """A row of the table."""
        chunks = self._chunks(files)
        with ThreadPoolExecutor() as pool:  # compressors release the interpreter
            encoded = pool.map(
                lambda form: sum(len(ENCODE[form](each)) for each in chunks), self.forms
            )
            sizes = [f"{size / 1000:.0f}" for size in encoded]
        own = self._judged(files, "judge")
        other = self._judged(files, "other") if self.case.other else {}
        return [
            name,
            f"{sum(path.stat().st_size for path in files) / 1000:.0f}",
            *sizes,
            f"{own['cosine'].value:.4f}",
            f"{own['cosine'].worst_value:.4f}",
            f"{own['top1_agreement'].value:.3f}",
            f"{own['max_abs_error'].value:.3g}",
            f"{other['cosine'].value:.4f}" if other else "",
            f"{seconds:.0f}",
        ]

    def _chunks(self, files: Sequence[Path]) -> list[bytes]:
        """The variant as it is published: compressors do worse on one long stream of unlike tensors."""
        cut = self._step(split.run, SplitParams(CHUNK_BYTES), model=tuple(files))
        return [file.path.read_bytes() for file in cut.files if file.role == "chunk"]

    def _judged(self, files: Sequence[Path], role: str) -> dict[str, MetricValue]:
        output = self._step(
            evaluate.run,
            EvaluateParams(self.case.outputs, (), state=self.case.state),
            reference=(self.case.source,),
            model=tuple(files),
            judge=(self.folder / f"{role}.npz",),
        )
        found = msgspec.json.decode(output.files[0].path.read_bytes(), type=Evaluation)
        return {metric.metric: metric for metric in found.metrics}

    def _step(
        self, run: Callable[[Any], StepOutput], params: Any, **files: tuple[Path, ...]
    ) -> StepOutput:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        roles = tuple(InputFiles(role, paths) for role, paths in files.items())
        return run(StepInput(params, roles, folder))


def _model(made: StepOutput) -> tuple[Path, ...]:
    """The files of the model alone: steps give its graph once more."""
    return tuple(file.path for file in made.files if file.role == "model")


class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """Calibration samples as onnxruntime wants them."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._feeds = iter([dict(sample.feeds) for sample in samples])

    def get_next(self) -> Any:
        """The next feed; None at the end."""
        return next(self._feeds, None)


def peers(bench: Bench) -> Iterator[tuple[str, Callable[[], tuple[Path, ...]]]]:
    """The quantisers of onnxruntime, each as a function that makes its file."""
    graph, folder = bench.model[0], bench.folder
    ready = folder / "ready.onnx"
    newer = folder / "newer.onnx"
    ir.save(ir.external_data.load_to_model(at_least(read_model(graph), 13)), newer)
    quant_pre_process(str(newer), str(ready), skip_symbolic_shape=True)

    fit = unrolled(bench.case.source, read_samples(folder / "fit.npz"), bench.case.state)
    calibrated = fit[:CALIBRATION_SAMPLES]

    def dynamic(*, per_channel: bool) -> tuple[Path, ...]:
        path = folder / f"dynamic-{per_channel}.onnx"
        quantize_dynamic(ready, path, per_channel=per_channel, weight_type=QuantType.QInt8)
        return (path,)

    def static() -> tuple[Path, ...]:
        path = folder / "static.onnx"
        reader = Reader(calibrated)
        quantize_static(
            ready,
            path,
            reader,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return (path,)

    yield "quantize_dynamic, per tensor", lambda: dynamic(per_channel=False)
    yield "quantize_dynamic, per channel", lambda: dynamic(per_channel=True)
    yield "quantize_static, per channel", static
    yield from other_peers(ready, calibrated, folder)
    yield "modelpack q8 plain", lambda: bench.plain("q8")
    yield "modelpack q8 per tensor", lambda: bench.plain("q8", RecipeSettings(per_channel=False))
    yield "modelpack uint8", lambda: bench.plain("uint8")
    for name, settings in STATIC.items():
        yield f"modelpack static, {name}", lambda settings=settings: bench.plain("q8", settings)
    yield "modelpack q4", lambda: bench.plain("q4")
    yield "modelpack bnb4", lambda: bench.plain("bnb4")


def shaped(bench: Bench) -> Iterator[tuple[str, Callable[[], tuple[Path, ...]]]]:
    """The entropy-shaped variants of each target."""
    for cosine in bench.case.cosines:
        yield (
            f"entropy {cosine:g}, weights only",
            lambda cosine=cosine: bench.shaped(cosine, "entropy", "webgpu"),
        )
    loosest = bench.case.cosines[0]
    yield (
        f"entropy {loosest:g}, integer products",
        lambda: bench.shaped(loosest, "entropy", "wasm"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "models", nargs="*", default=["digits", "magika_v3_3", "ultraface", "silero_vad", "minilm"]
    )
    parser.add_argument("--forms", default=",".join(ENCODE))
    parser.add_argument(
        "--rows", default="", help="only rows whose name has one of these in it, comma-separated"
    )
    arguments = parser.parse_args()
    forms = arguments.forms.split(",")
    wanted = arguments.rows.split(",")
    heads = [
        "variant",
        "raw kB",
        *forms,
        "cosine",
        "worst",
        "top-1",
        "max error",
        "other",
        "seconds",
    ]
    for name, case in cases(arguments.models):
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(case, Path(scratch), forms)
            print(f"\n{name}: fit, tune, judge {bench.counts}\n")
            print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}", flush=True)
            for variant, make in (*shaped(bench), *peers(bench)):
                if not any(part in variant for part in wanted):
                    continue
                started = time.perf_counter()
                try:
                    files = make()
                    row = bench.row(variant, files, time.perf_counter() - started)
                except Exception as err:  # noqa: BLE001  peers fail on some models, each in its own way
                    print(f"| {variant} | {type(err).__name__}: {str(err)[:160]!r} |", flush=True)
                    continue
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
