"""The table of accuracy limits: metrics of modelpack by name, and functions of the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from modelpack.config.containers import Table, Values
from modelpack.config.fields import Leaf, Schema, locate, read_text
from modelpack.config.place import Fault, Place, spell
from modelpack.config.threshold_field import Threshold, ThresholdField
from modelpack.spec.limits import MetricFunction, MetricLimit

_PREFIX = "python:"
_WORD = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_NAME = rf"^python:{_WORD}(\.{_WORD}){{0,15}}:{_WORD}$"
_NUMBER = r"-?[0-9]{1,9}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?"
_AT_LEAST = ThresholdField(">=", "0.9", _NUMBER)
_AT_MOST = ThresholdField("<=", "0.1", _NUMBER)


class EitherThreshold(Leaf[Threshold], frozen=True):
    """A limit in either direction: only its author knows whether more is better."""

    def read(self, value: object, at: Place) -> Threshold:
        """The comparison and the number."""
        text = read_text(value, at, 'a limit such as ">= 0.9"')
        return (_AT_MOST if text.startswith("<=") else _AT_LEAST).read(text, at)

    def schema(self, tables: Schema) -> Schema:
        """A string of a comparison and a number."""
        return {"anyOf": [_AT_LEAST.schema(tables), _AT_MOST.schema(tables)]}


class MetricsTable(Table, frozen=True):
    """A table whose keys are known, or name a function: `python:module:function`."""

    def faults(self, value: object, at: Place) -> Iterator[Fault]:
        """Those of the known keys, of the names of functions, and of their limits."""
        if not isinstance(value, dict):
            yield at.wrong(value, "a table")
            return
        known = {name: part for name, part in value.items() if not name.startswith(_PREFIX)}
        # Not super(): msgspec makes the class anew, and the cell that super() reads then holds the old one.
        yield from Table.faults(self, known, at)
        for name, part in value.items():
            if name not in known:
                yield from _name_faults(name, at)
                yield from EitherThreshold().faults(part, at.child(name))

    def definition(self, tables: Schema) -> Schema:
        """The object with these properties, and any that name a function."""
        functions: Schema = {_NAME: EitherThreshold().schema(tables)}
        return {**Table.definition(self, tables), "patternProperties": functions}


class FunctionLimit(Struct, frozen=True):
    """A function of the project, and its limit."""

    function: MetricFunction
    limit: MetricLimit


def function_limits(metrics: Values) -> Iterator[FunctionLimit]:
    """The functions of the table and their limits, in the order of the file; an upper layer overrides a lower one."""
    seen: set[str] = set()
    for table, at in metrics.layers:
        for name, value in table.items():
            if name.startswith(_PREFIX) and name not in seen:
                seen.add(name)
                yield _function_limit(name, value, at)


def _function_limit(name: str, value: object, at: Place) -> FunctionLimit:
    threshold = EitherThreshold().read(value, at.child(name))
    _, _, function = name.split(":")
    return FunctionLimit(
        MetricFunction(name, _file(name, at), function),
        MetricLimit(
            name,
            threshold.comparison,
            threshold.value,
            spell(at.child(name).keys),
            threshold.is_relative,
        ),
    )


def _name_faults(name: str, at: Place) -> Iterator[Fault]:
    if re.fullmatch(_NAME, name) is None:
        yield Fault(
            "MP-E112",
            (*at.keys, name),
            "the name of a metric function is malformed; expected python:module:function",
            remedy="python:tools.metrics:overlap is the function overlap in tools/metrics.py",
        )


def _file(name: str, at: Place) -> Path:
    """The module as a file beside modelpack.toml: reading the configuration imports nothing."""
    module = name.split(":")[1].replace(".", "/")
    return locate(f"{module}.py", at, "a module of the project")
