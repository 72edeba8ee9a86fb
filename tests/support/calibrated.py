"""Static quantisation in tests: ranges of samples, and models made by them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import onnx
import onnx_ir as ir

from modelpack.graph.golden.samples import Sample
from modelpack.graph.recipes.applied import Applied
from modelpack.graph.recipes.calibration import Ranges, calibrate, write_ranges
from modelpack.graph.recipes.static import apply_static
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import CalibrateMethod, Dtype, RecipeSettings

STATIC = RecipeSettings(activations="static")


def ranges_of(
    proto: onnx.ModelProto,
    samples: Sequence[Sample],
    folder: Path,
    method: CalibrateMethod = "minmax",
) -> Ranges:
    """The ranges of the model's activations on the samples."""
    place = Path(tempfile.mkdtemp(dir=folder))
    return calibrate(ir.from_proto(proto), method, samples, place)


def made_static(
    proto: onnx.ModelProto,
    ranges: Ranges,
    folder: Path,
    params: QuantizeParams | None = None,
    excluded: Sequence[str] = (),
) -> Applied:
    """What the recipe makes of the model by those ranges; without `params`, q8."""
    path = write_ranges(Path(tempfile.mkdtemp(dir=folder)) / "ranges.json", ranges)
    params = params or static_params()
    return apply_static(ir.from_proto(proto), params, excluded, path)


def static_params(dtype: Dtype = "q8", settings: RecipeSettings = STATIC) -> QuantizeParams:
    """The parameters of a static variant on wasm."""
    return QuantizeParams(dtype, "wasm", (), 32, settings)
