"""Models of one node each: every operator at every version, with every combination of element types.

Inputs have a type and no shape, so that nothing but the operator, its version and its types decides what runs it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import onnx
from msgspec import Struct
from onnx import TensorProto, helper

from tools.compatibility.attributes import OPTIONAL_INPUTS, TYPED_BY, attributes_of, outputs_of
from tools.compatibility.schemas import (
    DOMAINS,
    NEWEST_OPSET,
    OLDEST_OPSET,
    Formal,
    Schema,
    all_schemas,
)

IR_VERSION = 10  # the oldest with 4-bit types, so that old releases read it too
# Element types that models in a browser have; float8 and complex have kernels nowhere in it.
ELEMENT_TYPES: Mapping[str, int] = {
    "float": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "double": TensorProto.DOUBLE,
    "bfloat16": TensorProto.BFLOAT16,
    "int4": TensorProto.INT4,
    "uint4": TensorProto.UINT4,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16,
    "uint16": TensorProto.UINT16,
    "int32": TensorProto.INT32,
    "uint32": TensorProto.UINT32,
    "int64": TensorProto.INT64,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}
# Of the 1573 combinations of OneHot, what exporters write.
_USUAL: Mapping[str, Mapping[str, frozenset[str]]] = {
    "OneHot": dict.fromkeys(("T1", "T2"), frozenset({"float", "int32", "int64"})),
}


class Trial(Struct, frozen=True):
    """One model. `types` are those of the schema's type variables, in the order of `variables`."""

    domain: str
    operator: str
    since: int
    variables: tuple[str, ...]
    types: tuple[str, ...]
    model: bytes


def all_trials() -> Iterator[Trial]:
    """A trial for each operator, version and combination of types, the standard ones first."""
    for schema in all_schemas():
        yield from _trials_of(schema)


def opset_trials() -> Iterator[tuple[int, bytes]]:
    """An Identity for each version of ONNX's own operators: which of them a release reads."""
    for opset in range(OLDEST_OPSET, NEWEST_OPSET + 3):
        node = helper.make_node("Identity", ["i0"], ["o0"], name="n")
        yield opset, _model(node, ["float"], [helper.make_opsetid("", opset)])


def _trials_of(schema: Schema) -> Iterator[Trial]:
    names = _inputs(schema)
    bound = {formal.type for formal, given in names if given}
    typed_by = TYPED_BY.get(schema.name, "")
    constraints = schema.constraints
    output_only = [f.type for f in schema.outputs if f.type not in bound]
    variables = [name for name in constraints if name in bound]
    if typed_by:
        variables += [name for name in output_only if name in constraints][:1]
    usual = _USUAL.get(schema.name, {})
    choices = [_element_types(constraints[name], usual.get(name)) for name in variables]
    if not all(choices):
        return
    for types in itertools.product(*choices):
        chosen = dict(zip(variables, types, strict=True))
        node = _node(schema, names, chosen, typed_by and chosen.get(variables[-1], ""))
        inputs = [chosen.get(f.type, _element(f.type)) for f, given in names if given]
        if node is None or not all(inputs):
            return
        yield Trial(
            schema.domain,
            schema.name,
            schema.since,
            tuple(variables),
            types,
            _model(node, inputs, _imports(schema)),
        )


def _inputs(schema: Schema) -> list[tuple[Formal, bool]]:
    """The inputs up to the last that is given, each with whether it is. Variadic ones are given twice."""
    wanted = OPTIONAL_INPUTS.get(schema.name, ())
    found: list[tuple[Formal, bool]] = []
    for formal in schema.inputs:
        if formal.kind == "Variadic":
            found += [(formal, True)] * max(2 - len(found), schema.min_input - len(found), 1)
        else:
            found.append((formal, formal.kind == "Single" or formal.name in wanted))
    while found and not found[-1][1]:
        found.pop()
    return found


def _node(
    schema: Schema,
    names: list[tuple[Formal, bool]],
    chosen: Mapping[str, str],
    type_name: str,
) -> onnx.NodeProto | None:
    attributes = attributes_of(schema, chosen)
    if attributes is None:
        return None
    if type_name:
        name, element = TYPED_BY[schema.name], ELEMENT_TYPES[type_name]
        is_tensor = name == "value"
        attributes[name] = (
            helper.make_tensor("v", element, [1], _one(type_name)) if is_tensor else element
        )
    numbers = itertools.count()
    inputs = [f"i{next(numbers)}" if given else "" for _, given in names]
    outputs = [f"o{index}" for index in range(outputs_of(schema))]
    domain = schema.domain
    given: Mapping[str, Any] = attributes  # make_node's own parameters are not among them
    return helper.make_node(schema.name, inputs, outputs, name="n", domain=domain, **given)


def _one(type_name: str) -> list[Any]:
    return [b"1"] if type_name == "string" else [1]


def _model(
    node: onnx.NodeProto, inputs: list[str], imports: list[onnx.OperatorSetIdProto]
) -> bytes:
    given = [name for name in node.input if name]
    graph = helper.make_graph(
        [node],
        "trial",
        [
            helper.make_tensor_value_info(name, ELEMENT_TYPES[element], None)
            for name, element in zip(given, inputs, strict=True)
        ],
        [helper.make_empty_tensor_value_info(name) for name in node.output],
    )
    model = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)
    return model.SerializeToString()


def _imports(schema: Schema) -> list[onnx.OperatorSetIdProto]:
    since = max(schema.since, DOMAINS[schema.domain])
    if not schema.domain:
        return [helper.make_opsetid("", since)]
    return [helper.make_opsetid("", 17), helper.make_opsetid(schema.domain, since)]


def _element_types(allowed: Iterable[str], usual: frozenset[str] | None) -> list[str]:
    found = {_element(name) for name in allowed} & (usual or frozenset(ELEMENT_TYPES))
    return [name for name in ELEMENT_TYPES if name in found]


def _element(type_name: str) -> str:
    """`float` of `tensor(float)`; empty for sequences, maps and what a browser never has."""
    name = type_name.removeprefix("tensor(").removesuffix(")")
    return name if type_name.startswith("tensor(") and name in ELEMENT_TYPES else ""
