"""The operators there are, at every version: ONNX's own, and those that onnxruntime adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import onnx
from msgspec import Struct
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

OLDEST_OPSET = 7  # onnxruntime guarantees nothing below
NEWEST_OPSET = 26
# The domains, each with the version that a trial of its oldest operators imports.
DOMAINS: Mapping[str, int] = {"": OLDEST_OPSET, "ai.onnx.ml": 1, "com.microsoft": 1}


class Formal(Struct, frozen=True):
    """An input or output. `type` is a type variable or a type; `kind` is Single, Optional or Variadic."""

    name: str
    type: str
    kind: str


class Schema(Struct, frozen=True):
    """One version of an operator. `attributes` has the kind of each that is required."""

    domain: str
    name: str
    since: int
    inputs: tuple[Formal, ...]
    outputs: tuple[Formal, ...]
    constraints: Mapping[str, tuple[str, ...]]
    attributes: frozenset[str]
    required: Mapping[str, str]
    min_input: int
    min_output: int


def all_schemas() -> Iterator[Schema]:
    """Every version that a model of the supported opsets can name, in a fixed order."""
    found = [*onnx.defs.get_all_schemas_with_history(), *_contributed()]
    schemas = [_schema(one) for one in found if one.domain in DOMAINS and not one.deprecated]
    oldest: dict[tuple[str, str], int] = {}
    for schema in schemas:
        if schema.since <= DOMAINS[schema.domain]:
            key = schema.domain, schema.name
            oldest[key] = max(oldest.get(key, 0), schema.since)
    for schema in sorted(schemas, key=lambda s: (s.domain, s.name, s.since)):
        if oldest.get((schema.domain, schema.name), 0) <= schema.since <= NEWEST_OPSET:
            yield schema


def _contributed() -> Iterator[Any]:
    for schema in ort_state.get_all_operator_schema():
        if schema.domain == "com.microsoft":
            yield schema


def _schema(found: Any) -> Schema:
    return Schema(
        found.domain,
        found.name,
        found.since_version,
        tuple(_formals(found.inputs)),
        tuple(_formals(found.outputs)),
        {one.type_param_str: tuple(one.allowed_type_strs) for one in found.type_constraints},
        frozenset(found.attributes),
        {name: _last(one.type) for name, one in sorted(found.attributes.items()) if one.required},
        found.min_input,
        found.min_output,
    )


def _formals(found: Iterable[Any]) -> Iterator[Formal]:
    for one in found:
        # onnx and onnxruntime bind the same C++ class under different names.
        type_name = one.type_str if hasattr(one, "type_str") else one.typeStr
        yield Formal(one.name, type_name, _last(one.option))


def _last(value: object) -> str:
    return str(value).rpartition(".")[2]
