"""A torch module that a function of the project gives, through torch's own exporter.

The function gives the module and example inputs: tensors by the names of `forward`'s parameters, or in their order. Inputs
keep those names; outputs have the keys of a dictionary, or are called `output`, or `output_0`, `output_1` and so on.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from msgspec import Struct

from modelpack.errors import StepError
from modelpack.graph.sessions import Array
from modelpack.planned import TracedFunction
from modelpack.spec.sources import Export

DEFAULT_ATOL = 1e-4
_OLDEST_OPSET = 18  # older ones are converted to, and not always
_CALLED = "it is called without arguments and gives a torch.nn.Module and its example inputs"


class Example(Struct, frozen=True):
    """A module, what it is called with, and what it gives then, all by name."""

    module: torch.nn.Module
    inputs: Mapping[str, torch.Tensor]
    outputs: Mapping[str, Array]


def export_function(wanted: TracedFunction, settings: Export, code: Path, folder: Path) -> Path:
    """The graph, written into `folder`, of what the function in `code` gives.

    Raises: StepError MP-E463 if the function fails, MP-E460 if its module cannot be exported, MP-E461 if the result differs.
    """
    opset = settings.opset
    if opset is not None and opset < _OLDEST_OPSET:
        found = f"torch's exporter writes opset {_OLDEST_OPSET} and later; found opset = {opset}"
        raise StepError("MP-E460", found, remedy="change it, or leave it out")
    path = folder / "model.onnx"
    with _importing(code):
        example = _example(wanted)
        _export(example, wanted, opset, path)
    _compare(example, path, settings.atol or DEFAULT_ATOL)
    return path


def _example(wanted: TracedFunction) -> Example:
    name = f"python:{wanted.module}:{wanted.function}"
    torch.manual_seed(0)  # a function that makes its inputs up makes the same ones
    try:
        function = getattr(importlib.import_module(wanted.module), wanted.function)
        given = function()
    except Exception as err:
        raise _failed(name, err) from err
    if not isinstance(given, tuple) or len(given) != 2 or not isinstance(given[0], torch.nn.Module):
        found = f"it gave {type(given).__name__}; expected a torch.nn.Module and its inputs"
        raise StepError("MP-E463", found, where=name, remedy=_CALLED)
    module, inputs = given[0].eval(), _named(given[0], given[1], name)
    try:
        with torch.inference_mode():
            outputs = module(**inputs)
    except Exception as err:
        raise _failed(name, err) from err
    return Example(module, inputs, _outputs(outputs, name))


def _named(module: torch.nn.Module, inputs: object, where: str) -> dict[str, torch.Tensor]:
    if isinstance(inputs, torch.Tensor):
        inputs = (inputs,)
    if isinstance(inputs, tuple | list):
        inputs = dict(zip(inspect.signature(module.forward).parameters, inputs, strict=False))
    if not isinstance(inputs, dict) or not all(
        isinstance(one, torch.Tensor) for one in inputs.values()
    ):
        found = "its example inputs are no tensors, neither in order nor by name"
        raise StepError("MP-E463", found, where=where, remedy=_CALLED)
    return inputs


def _outputs(given: object, where: str) -> dict[str, Array]:
    if isinstance(given, torch.Tensor):
        given = {"output": given}
    if isinstance(given, tuple | list):
        given = {f"output_{place}": one for place, one in enumerate(given)}
    if not isinstance(given, Mapping) or not all(
        isinstance(one, torch.Tensor) for one in given.values()
    ):
        found = (
            f"the module gives {type(given).__name__}; expected tensors, alone, in order or by name"
        )
        raise StepError("MP-E463", found, where=where)
    return {name: one.numpy() for name, one in given.items()}


def _export(example: Example, wanted: TracedFunction, opset: int | None, path: Path) -> None:
    try:
        program = torch.onnx.export(
            example.module,
            (),
            kwargs=dict(example.inputs),
            dynamo=True,
            dynamic_shapes=_dynamic_shapes(wanted, example),
            output_names=list(example.outputs),
            opset_version=opset,
            verbose=False,
        )
    except Exception as err:
        lines = [line.strip() for line in str(err.__cause__ or err).splitlines() if line.strip()]
        failure = StepError(
            "MP-E460",
            f"torch cannot export the module: {(lines or [type(err).__name__])[0][:300]}",
            where=f"python:{wanted.module}:{wanted.function}",
            remedy="run again with --debug for all that torch says; dynamic_dimensions must be ones that the module leaves open",
        )
        failure.details = traceback.format_exc()
        raise failure from err
    assert program is not None  # noqa: S101 (for the type checker: dynamo gives one)
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # stack traces with the paths of this run
    program.save(path, external_data=True)
    fixed = [(name, axis) for name, axis, _ in wanted.dimensions if _is_fixed(program, name, axis)]
    if fixed:
        name, axis = fixed[0]
        found = f"axis {axis} of {name} is declared open, and the module fixes it"
        raise StepError("MP-E460", found, remedy="take it out of dynamic_dimensions")


def _is_fixed(program: torch.onnx.ONNXProgram, name: str, axis: int) -> bool:
    inputs = {value.name: value.shape for value in program.model.graph.inputs}
    shape = inputs.get(name)
    return shape is not None and isinstance(shape[axis], int)


def _dynamic_shapes(wanted: TracedFunction, example: Example) -> dict[str, dict[int, object]]:
    names = {name for _, _, name in wanted.dimensions}
    open_ones = {name: torch.export.Dim(name) for name in sorted(names)}
    shapes: dict[str, dict[int, object]] = {name: {} for name in example.inputs}
    for name, axis, dimension in wanted.dimensions:
        if name not in shapes or axis >= example.inputs[name].ndim:
            known = ", ".join(
                f"{one}: {list(value.shape)}" for one, value in example.inputs.items()
            )
            raise StepError(
                "MP-E460",
                f"dynamic_dimensions names axis {axis} of {name}; the example inputs are {known}",
                remedy="correct dynamic_dimensions",
            )
        shapes[name][axis] = open_ones[dimension]
    return shapes


def _compare(example: Example, path: Path, atol: float) -> None:
    session = ort.InferenceSession(os.fspath(path), providers=["CPUExecutionProvider"])
    taken = {value.name for value in session.get_inputs()}
    feeds = {name: one.numpy() for name, one in example.inputs.items() if name in taken}
    found = session.run(list(example.outputs), feeds)
    for (name, expected), got in zip(example.outputs.items(), found, strict=True):
        difference = float(np.max(np.abs(expected.astype(np.float64) - got), initial=0.0))
        if not difference <= atol:
            raise StepError(
                "MP-E461",
                f"the exported model does not agree with the module within atol = {atol:g}: {name} differs by {difference:.3g}",
                remedy="set atol if that is small enough for you; golden metrics compare with the exported model",
            )


@contextmanager
def _importing(code: Path) -> Iterator[None]:
    """Modules of the project can be imported while the block runs, and are forgotten then: the next ones may be others."""
    before, writes = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, os.fspath(code))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(os.fspath(code))
        sys.dont_write_bytecode = writes
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file is not None and Path(file).is_relative_to(code):
                del sys.modules[name]


def _failed(name: str, err: Exception) -> StepError:
    lines = str(err).strip().splitlines() or ["no message"]
    remedy = _CALLED
    if isinstance(err, FileNotFoundError):
        remedy = "it sees copies of its own files only: name what it reads in `files`"
    failure = StepError(
        "MP-E463", f"{type(err).__name__}: {lines[0][:300]}", where=name, remedy=remedy
    )
    failure.details = traceback.format_exc()
    return failure
