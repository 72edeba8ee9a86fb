"""Metrics of the project's own: a function in a Python file, called in the worker."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from modelpack.errors import StepError
from modelpack.graph.metrics.case import Case
from modelpack.graph.metrics.table import Measure, each


def load_function(path: Path, name: str, function: str) -> Measure:
    """The measure of `function(expected, found, label)` in the file at `path`.

    It gets two dictionaries of arrays, the outputs of the reference and of the variant, and the sample's label or None, and
    gives a number; the total is the mean. The file may import installed packages, but no other file of the project: it is
    the only one whose change is noticed.

    Raises: StepError MP-E505 if the file does not load, or has no such function.
    """
    spec = importlib.util.spec_from_file_location(f"modelpack_metric_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise _fails(name, "the file is no Python module")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as err:
        raise _fails(name, f"loading it raised {type(err).__name__}: {_first(err)}") from err
    found = getattr(module, function, None)
    if not callable(found):
        raise _fails(name, f"found no function {function} in the file")
    return each(lambda case: _call(found, name, case))


def _call(function: Callable[..., object], name: str, case: Case) -> float:
    try:
        value = function(dict(case.expected), dict(case.found), case.label)
    except Exception as err:
        raise _fails(name, f"it raised {type(err).__name__}: {_first(err)}") from err
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise _fails(name, f"it gave {type(value).__name__}; expected a number")
    number = float(np.real(value))
    return number if not math.isinf(number) else math.nan


def _first(err: Exception) -> str:
    lines = str(err).strip().splitlines()
    return lines[0][:300] if lines else "no message"


def _fails(name: str, found: str) -> StepError:
    return StepError(
        "MP-E505",
        found,
        where=f"golden.metrics.{name}",
        remedy="it is called as function(expected, found, label) and gives a number",
    )
