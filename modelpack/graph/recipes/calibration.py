"""The ranges of activations on samples, by onnxruntime's own calibrators: MinMax, Entropy, Percentile.

1. Samples go in one by one: they then cost no more memory than one sample, and lengths may vary (given several at once,
   onnxruntime's histograms want arrays of one shape).
2. Histograms begin with the ranges that MinMax finds. Begun with the first sample, as onnxruntime does it, their bins
   are as wide as that sample asks for, and a large value after small ones makes millions of them.
3. Values inside branches and loops are not seen; what reads them keeps its activations in floats.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnx_ir as ir
from onnxruntime.quantization.calibrate import (
    CalibraterBase,
    CalibrationDataReader,
    CalibrationMethod,
    HistogramCalibrater,
    HistogramCollector,
    create_calibrator,
)

from modelpack.graph.golden.samples import Sample
from modelpack.graph.io import DATA_FILE, GRAPH_FILE, write_model
from modelpack.graph.sessions import Array
from modelpack.spec.variants import CalibrateMethod

Ranges = dict[str, tuple[float, float]]

# Products and filters, and the operators around them that pass integers on as they are. Sums and norms are left in
# floats: with Add and Mul on one grid for all values, magika_v3_3 falls from a cosine of 0.998 to 0.04 (2026-11).
PRODUCTS = ("Conv", "ConvTranspose", "MatMul", "Gemm")
OPERATORS = (
    *PRODUCTS,
    *("Relu", "Clip", "MaxPool", "AveragePool", "Transpose", "Reshape", "Flatten", "Squeeze"),
    *("Unsqueeze", "Concat", "Resize", "Pad", "Slice", "Split"),
)
_METHODS: dict[CalibrateMethod, CalibrationMethod] = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
# MinMax has none. Entropy looks for the best of (bins - 128) / 2 ranges, which takes a while for each.
_BINS: dict[CalibrateMethod, int] = {"minmax": 0, "entropy": 512, "percentile": 2048}


class _One(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """A single sample, as onnxruntime wants it."""

    def __init__(self, feeds: Mapping[str, Array]) -> None:
        self._waiting = [dict(feeds)]

    def get_next(self) -> dict[str, Array] | None:
        """The sample, once."""
        return self._waiting.pop() if self._waiting else None


def calibrate(
    model: ir.Model, method: CalibrateMethod, samples: Sequence[Sample], folder: Path
) -> Ranges:
    """The least and the largest value to keep of each activation around OPERATORS, by its name, in order of names.

    One of them is not finite where a sample makes a value so. `folder` is for files on the way.

    Raises: onnxruntime's own errors, and ValueError if no histogram can be made of the values.
    """
    if not any(node.op_type in OPERATORS for node in model.graph):
        return {}
    write_model(model, folder)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # values may be NaN; what reads them is left out
        seen = _collected(_calibrator(folder, "minmax"), samples)  # progress goes to stdout
        if method == "minmax":
            return seen
        calibrator = _calibrator(folder, method)
        finite = {name: seen[name] for name in seen if _is_finite(seen[name])}
        calibrator.tensors_to_calibrate &= set(finite)
        calibrator.collector = _collector(calibrator, finite)
        return {**seen, **_collected(calibrator, samples)} if finite else seen


def _calibrator(folder: Path, method: CalibrateMethod) -> CalibraterBase:
    graph = folder / GRAPH_FILE
    return create_calibrator(
        graph,
        OPERATORS,
        augmented_model_path=str(folder / f"{method}.onnx"),
        calibrate_method=_METHODS[method],
        use_external_data_format=(folder / DATA_FILE).exists(),
        # Percentile's default would waste half of what Relu gives; Entropy's number of bins leaves it nothing to choose.
        extra_options={"symmetric": False, "num_bins": _BINS[method]},
    )


def _collector(calibrator: HistogramCalibrater, seen: Ranges) -> HistogramCollector:
    """Empty histograms of the final width (rule 2)."""
    collector = HistogramCollector(
        calibrator.method,
        calibrator.symmetric,
        calibrator.num_bins,
        calibrator.num_quantized_bins,
        calibrator.percentile,
        calibrator.scenario,
    )
    for name, (low, high) in seen.items():
        largest = np.float32(max(-low, high))
        if largest > 0:
            edges = np.linspace(-largest, largest, calibrator.num_bins + 1, dtype=np.float32)
            empty = np.zeros(calibrator.num_bins, np.int64)
            collector.histogram_dict[name] = (empty, edges, np.float32(0), np.float32(0), largest)
    return collector


def _collected(calibrator: CalibraterBase, samples: Sequence[Sample]) -> Ranges:
    for sample in samples:
        calibrator.collect_data(_One(sample.feeds))
    found = calibrator.compute_data()
    ranges = {name: found[name].range_value for name in found.keys()}  # noqa: SIM118  not a mapping
    return {name: (_number(low), _number(high)) for name, (low, high) in sorted(ranges.items())}


def write_ranges(path: Path, ranges: Ranges) -> Path:
    """`path`, with those ranges written to it that integers can stand for."""
    finite = {name: bounds for name, bounds in ranges.items() if _is_finite(bounds)}
    path.write_bytes(msgspec.json.encode(finite))
    return path


def read_ranges(path: Path) -> Ranges:
    """What is in a file of `write_ranges`."""
    return msgspec.json.decode(path.read_bytes(), type=Ranges)


def _is_finite(bounds: tuple[float, float]) -> bool:
    return all(map(math.isfinite, bounds))


def _number(bound: Array) -> float:
    return float(bound.reshape(()))
