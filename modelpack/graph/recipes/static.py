"""Static quantisation: activations rounded by ranges that samples had, weights with them, as QDQ pairs around float operators.

onnxruntime's own quantiser writes the pairs; at run time onnxruntime fuses them into integer kernels. Weights that
are assigned something else than 8 bits are stored so first, and what the quantiser cannot reach (look-ups, recurrences,
branches, products without a range) is stored in 8 bits and computed in floats, with a note.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx_ir as ir
import onnx_ir.passes.common
from onnxruntime.quantization.calibrate import CalibrationMethod, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.quant_utils import QuantType

from modelpack.errors import StepError
from modelpack.graph.recipes.applied import Applied, Narrowed
from modelpack.graph.recipes.assignment import EIGHT_BITS, Assigned, assign
from modelpack.graph.recipes.calibration import OPERATORS, Ranges, read_ranges
from modelpack.graph.recipes.mixed import store_eights, store_others
from modelpack.graph.recipes.opset import at_least, opset_of
from modelpack.graph.recipes.q8 import finish
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.stored import DEQUANTIZED_OPSET
from modelpack.graph.recipes.weights import Weight, find_weights, reader_names
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import ActivationType, RecipeSettings

_TYPES: Mapping[ActivationType, QuantType] = MappingProxyType(
    {
        "uint8": QuantType.QUInt8,
        "int8": QuantType.QInt8,
        "uint16": QuantType.QUInt16,
        "int16": QuantType.QInt16,
    }
)
_SUFFIXES = ("_quantized", "_scale", "_zero_point")  # names the quantiser gives
_MOST_NAMED = 3


def apply_static(
    model: ir.Model, params: QuantizeParams, excluded: Collection[str], calibrated: Path
) -> Applied:
    """The model with QDQ pairs around products, filters and what lies between them; unchanged where it has none.

    `calibrated` is a file of `write_ranges`.

    Raises: StepError MP-E451 if the model's opset has no scales for each channel, and cannot be raised.
    """
    model, ranges = _raised(model), read_ranges(calibrated)
    found = find_weights(model, excluded)
    assigned = assign(model, found.weights, params)
    builder = Builder(model)
    others, kept = store_others(builder, found.weights, assigned, params)
    finish(builder)
    eights = {weight.name: weight for weight in found.weights if _is_eight(assigned, weight)}
    floats = [weight for weight in found.weights if weight.name not in eights]
    readers = {name for weight in floats for name in reader_names(weight.value)}
    paired = _paired(model, params, {*excluded, *readers}, ranges)
    pairs = tuple(_narrowed(paired, eights, params.settings))
    notes = (*found.notes, *assigned.notes, *kept)
    if not pairs:
        return Applied(paired, (), notes)
    rest = [each for each in find_weights(paired, excluded).weights if each.name in eights]
    builder = Builder(paired)
    stored = store_eights(builder, rest, assigned, params, integer_products=False)
    finish(builder)
    return Applied(paired, (*pairs, *others, *stored), (*notes, *_left(rest)))


def _raised(model: ir.Model) -> ir.Model:
    raised = at_least(model, DEQUANTIZED_OPSET)
    if opset_of(raised) < DEQUANTIZED_OPSET:
        raise StepError(
            "MP-E451",
            f"static quantisation needs opset {DEQUANTIZED_OPSET}; the model has {opset_of(raised)}, and onnx cannot convert it",
            where="activations",
            remedy='export the model with a newer opset, or use activations = "float"',
        )
    ir.passes.common.ShapeInferencePass(check_type=False, strict_mode=False)(raised)
    return raised


def _is_eight(assigned: Assigned, weight: Weight) -> bool:
    return assigned.storages[weight.name].dtype in EIGHT_BITS


def _paired(
    model: ir.Model, params: QuantizeParams, excluded: Collection[str], ranges: Ranges
) -> ir.Model:
    settings = params.settings
    unsigned = params.dtype == "uint8"
    left_out = {*excluded, *_without_range(model, ranges)}
    quantizer = QDQQuantizer(
        ir.to_proto(model),
        settings.per_channel,
        False,  # reduce_range: WebAssembly does not saturate (see `int8`)
        QuantType.QUInt8 if unsigned else QuantType.QInt8,
        _TYPES[settings.activation_type],
        TensorsData(CalibrationMethod.MinMax, {name: _bounds(ranges[name]) for name in ranges}),
        [],
        sorted(left_out),
        list(OPERATORS),
        # Products of two activations stay floats; standard QuantizeLinear has 16 bits from opset 21 on.
        {"MatMulConstBOnly": True, "UseQDQContribOps": settings.activation_type.endswith("16")},
    )
    quantizer.quantize_model()
    paired: ir.Model = ir.from_proto(quantizer.model.model)
    paired.graph.sort()
    return paired


def _without_range(model: ir.Model, ranges: Ranges) -> Iterator[str]:
    """The nodes that read or give floats of which nothing is known."""
    for node in model.graph:
        values = [value for value in (*node.inputs, *node.outputs) if value is not None]
        if node.op_type in OPERATORS and any(_is_unknown(value, ranges) for value in values):
            yield node.name or ""


def _is_unknown(value: ir.Value, ranges: Ranges) -> bool:
    is_float = value.dtype == ir.DataType.FLOAT and value.const_value is None
    return is_float and value.name not in ranges


def _bounds(bounds: tuple[float, float]) -> tuple[np.float32, np.float32]:
    return np.float32(bounds[0]), np.float32(bounds[1])


def _narrowed(
    model: ir.Model, weights: Mapping[str, Weight], settings: RecipeSettings
) -> Iterator[Narrowed]:
    """The weights that the quantiser has stored; it names them after the originals."""
    sizes = {name: value.const_value for name, value in model.graph.initializers.items()}
    for name in weights:
        parts = [sizes.get(name + suffix) for suffix in _SUFFIXES]
        stored = parts[0]
        if stored is not None:
            sign = "u" if stored.dtype == ir.DataType.UINT8 else ""
            grid = "channel" if settings.per_channel else "tensor"
            bits = "16" if settings.activation_type.endswith("16") else "8"
            size_bytes = sum(part.nbytes for part in parts if part is not None)
            yield Narrowed(name, f"w8{sign}_{grid}_a{bits}_static", size_bytes)


def _left(weights: Sequence[Weight]) -> tuple[str, ...]:
    """What is not static, where it could be told from a look-up: those are never computed."""
    names = [weight.name for weight in weights if weight.kind != "rows"]
    if not names:
        return ()
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    named = ", ".join(names[:_MOST_NAMED])
    return (f"stored in 8 bits, but computed in floats: {named}{more}",)
