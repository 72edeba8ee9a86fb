"""The step `quantize`: a model in fewer bits, by the recipe of its number format and device.

fp32 copies files, unless the device needs another graph. Grids that the step `solve` found are only put into the graph. Every other recipe rewrites the graph and must change something; its result is opened and run on
made-up inputs, and must give finite values in the original's shapes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import onnx
import onnx_ir as ir

from modelpack.errors import StepError
from modelpack.graph.entropy.gridfile import read_grids
from modelpack.graph.entropy.rendering import Form, render
from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import Feeds, first_line, working_feeds
from modelpack.graph.io import read_model, write_model
from modelpack.graph.recipes.applied import Applied
from modelpack.graph.recipes.channels import pad_channels
from modelpack.graph.recipes.compare import largest_error
from modelpack.graph.recipes.exclude import excluded_nodes
from modelpack.graph.recipes.fp16 import Trial, apply_half
from modelpack.graph.recipes.mixed import apply_mixed
from modelpack.graph.recipes.weights import MIN_ELEMENTS
from modelpack.graph.sessions import open_session
from modelpack.planned import QuantizeParams
from modelpack.record import Measurement
from modelpack.spec.variants import HALVES
from modelpack.steps.contract import OutputFile, StepInput, StepOutput, output_files

_WANTED = {
    "fp16": f"float32 weights of {MIN_ELEMENTS} numbers or more",
    "q8": f"products, filters, recurrences and look-ups with float32 weights of {MIN_ELEMENTS} numbers or more",
    "q4": f"products and look-ups with float32 weights of {MIN_ELEMENTS} numbers or more",
    "bnb4": f"products with float32 weights of {MIN_ELEMENTS} numbers or more",
}
_LEFT_BY_SETTINGS = " that overrides, embedding_dtype and output_dtype leave to it"
_SAME = {"int8": "q8", "uint8": "q8", "q4f16": "q4"}  # what they narrow
_INSTEAD = {"fp16": '"fp32"', "q8": '"fp16" or "fp32"', "q4": '"q8"', "bnb4": '"q8"'}
# What reads or makes integers in place of floats: models that have it were quantised before they came here.
_OF_INTEGERS = frozenset(
    {
        *("DequantizeLinear", "QuantizeLinear", "DynamicQuantizeLinear"),
        *("MatMulInteger", "ConvInteger", "QLinearConv", "QLinearMatMul", "QGemm"),
        *("MatMulNBits", "GatherBlockQuantized", "MatMulBnb4", "DynamicQuantizeMatMul"),
    }
)


def run(step: StepInput[QuantizeParams]) -> StepOutput:
    """The model in the wanted number format.

    Raises: StepError MP-E450 if the recipe changes nothing, MP-E451 if it does not suit the model.
    """
    if step.params.device == "webnn":
        _check_sizes(step.one("model"))
    if step.params.dtype == "fp32":
        return _plain(step)
    with tempfile.TemporaryDirectory(dir=step.folder) as scratch:
        source = step.one("model")
        feeds = _feeds(source)
        applied = _apply(step, Trial(source, feeds, Path(scratch)))
    if not applied.narrowed:
        raise _nothing_changed(step.params, applied)
    adapted = _adapt(applied.model, step.params.device)
    paths = write_model(applied.model, step.folder)
    _check(source, paths[0], feeds)
    unproven = () if feeds else ("no made-up inputs run in the model: the result was not run",)
    return StepOutput(_outputs(paths), _measured(applied), (*applied.notes, *adapted, *unproven))


def _check_sizes(graph: Path) -> None:
    """WebNN compiles a graph for one size of each input. Weights are not looked at.

    Raises: StepError MP-E451 if a size is open.
    """
    model = onnx.load(graph, load_external_data=False)
    weights = {weight.name for weight in model.graph.initializer}
    for value in model.graph.input:
        sizes = value.type.tensor_type.shape.dim
        open_sizes = [size.dim_param or "?" for size in sizes if not size.HasField("dim_value")]
        if open_sizes and value.name not in weights:
            fixed = ", ".join(f"{name} = 1" for name in open_sizes if name != "?")
            raise StepError(
                "MP-E451",
                f"webnn runs graphs of fixed sizes, and {value.name} leaves {', '.join(open_sizes)} open",
                where="device",
                remedy=f"fix them: free_dimensions = {{ {fixed or 'name = 1'} }}",
            )


def _plain(step: StepInput[QuantizeParams]) -> StepOutput:
    """fp32. No glob is looked at, since nothing is narrowed."""
    model = read_model(step.one("model")) if step.params.device == "webgpu" else None
    adapted = _adapt(model, step.params.device) if model else ()
    paths = write_model(model, step.folder) if model and adapted else _copied(step)
    measured = (
        Measurement("scheme", "fp32"),
        Measurement("quantizedBytes", 0),
        Measurement("quantizedTensors", 0),
    )
    return StepOutput(_outputs(paths), measured, adapted)


def _copied(step: StepInput[QuantizeParams]) -> tuple[Path, ...]:
    """The files as they are: a 3 GB model costs no memory."""
    paths = tuple(step.folder / path.name for path in step.many("model"))
    for source, target in zip(step.many("model"), paths, strict=True):
        shutil.copyfile(source, target)
    return paths


def _adapt(model: ir.Model, device: str) -> tuple[str, ...]:
    """What a device would compute wrongly is put in another way; what there is to say of it."""
    padded = pad_channels(model) if device == "webgpu" else ()
    if not padded:
        return ()
    filters = f"{len(padded)} filters" if len(padded) > 1 else "a filter"
    names = ", ".join(padded)
    return (f"channels of zeros added where WebGPU would compute {filters} wrongly: {names}",)


def _outputs(paths: tuple[Path, ...]) -> tuple[OutputFile, ...]:
    """The model, and its graph once more: what looks at nodes alone needs no weights."""
    return (*output_files("model", paths), OutputFile("graph", paths[0]))


def _apply(step: StepInput[QuantizeParams], trial: Trial) -> Applied:
    params = step.params
    model = read_model(trial.source)
    excluded = excluded_nodes(model, params.nodes_to_exclude)
    if step.many("grids"):
        products, grids = read_grids(step.one("grids"))
        return render(model, Form(params.device, products), excluded, grids)
    if params.settings.is_static:
        from modelpack.graph.recipes.static import (  # noqa: PLC0415  0.2 s of imports
            apply_static,
        )

        return apply_static(model, params, excluded, step.one("ranges"))
    if params.dtype in HALVES:
        return apply_half(trial, params, excluded)
    return apply_mixed(model, params, excluded)


def _feeds(source: Path) -> tuple[Feeds, ...]:
    """Two sets of made-up inputs; none where the model accepts no guess: it is still worth narrowing."""
    try:
        return working_feeds(open_session(source), range(2))
    except StepError:
        return ()


def _check(source: Path, made: Path, feeds: tuple[Feeds, ...]) -> None:
    try:
        error = largest_error(source, made, feeds)
    except ONNXRUNTIME_ERRORS as err:
        raise StepError(
            "MP-E451",
            f"the result does not run in onnxruntime: {first_line(err)}",
            remedy="exclude the node named above (nodes_to_exclude), or remove this variant",
        ) from err
    if error == float("inf"):
        raise StepError(
            "MP-E451",
            "the result gives values that are not finite, or of another shape, where the original's are",
            remedy="exclude nodes (nodes_to_exclude), or remove this variant",
        )


def _measured(applied: Applied) -> tuple[Measurement, ...]:
    return (
        Measurement("scheme", applied.scheme),
        Measurement("quantizedBytes", sum(weight.size_bytes for weight in applied.narrowed)),
        Measurement("quantizedTensors", len(applied.narrowed)),
    )


def _nothing_changed(params: QuantizeParams, applied: Applied) -> StepError:
    dtype, settings = params.dtype, params.settings
    integers = Counter(
        node.op_type for node in applied.model.graph.all_nodes() if node.op_type in _OF_INTEGERS
    )
    if integers:
        return _already_integers(dtype, integers)
    notes = f" ({'; '.join(applied.notes)})" if applied.notes else ""
    if settings.is_static:
        return StepError(
            "MP-E450",
            f"static {dtype} changes nothing in this model: it rounds what products and filters outside branches and "
            f"loops read, with float32 weights of {MIN_ELEMENTS} numbers or more, and finds none{notes}",
            where="activations",
            remedy='use activations = "dynamic" or "float"',
        )
    return StepError(
        "MP-E450",
        f"{dtype} changes nothing in this model: it narrows {_WANTED[_SAME.get(dtype, dtype)]}, and finds none"
        f"{_LEFT_BY_SETTINGS if settings.overrides or settings.embedding_dtype or settings.output_dtype else ''}{notes}",
        where="dtype",
        remedy=f"remove the {dtype} variant, or use dtype = {_INSTEAD[_SAME.get(dtype, dtype)]}",
    )


def _already_integers(dtype: str, found: Counter[str]) -> StepError:
    named = ", ".join(f"{count} {operator}" for operator, count in found.most_common(3))
    return StepError(
        "MP-E450",
        f"{dtype} changes nothing in this model: its weights are integers already ({named})",
        where="dtype",
        remedy='use dtype = "fp32", which publishes it as it is, or start from the model in floats',
    )
