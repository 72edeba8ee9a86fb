"""The element type of every value of a graph, in the words of type constraints: `float`, `int64`, `bool`.

ONNX's own inference stops at the first of onnxruntime's operators; here those are known by their signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import onnx
from msgspec import Struct
from onnx import TensorProto

from modelpack.graph.compatibility.table import TableFile
from modelpack.graph.walk import is_standard

Types = dict[str, str]
_CONTRIBUTED = "com.microsoft"
# Operators whose output's type is in an attribute, with the type they give without it.
_TYPED_BY: Mapping[str, tuple[str, str]] = {
    "Cast": ("to", ""),
    "BitCast": ("to", ""),
    "Constant": ("value", "float"),
    "ConstantOfShape": ("value", "float"),
    "EyeLike": ("dtype", ""),
    "RandomNormal": ("dtype", "float"),
    "RandomUniform": ("dtype", "float"),
    "RandomNormalLike": ("dtype", ""),
    "RandomUniformLike": ("dtype", ""),
    "Bernoulli": ("dtype", ""),
    "Multinomial": ("dtype", "int32"),
    "HannWindow": ("output_datatype", "float"),
    "HammingWindow": ("output_datatype", "float"),
    "BlackmanWindow": ("output_datatype", "float"),
}
_CONSTANTS = {
    "value_float": "float",
    "value_floats": "float",
    "value_int": "int64",
    "value_ints": "int64",
}


class Signature(Struct, frozen=True):
    """An operator's version, and the type (or type variable) of each input and output; the last one repeats."""

    since: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def element_type(number: int) -> str:
    """The word for an ONNX element type; empty where it is none."""
    return TensorProto.DataType.Name(number).lower() if number else ""


def given_types(graph: onnx.GraphProto) -> Types:
    """The types of a graph's inputs and initialisers."""
    found = {value.name: element_type(value.type.tensor_type.elem_type) for value in graph.input}
    return found | {tensor.name: element_type(tensor.data_type) for tensor in graph.initializer}


def signature_of(node: onnx.NodeProto, opset: int, table: TableFile) -> Signature | None:
    """The signature of the node's operator; None where nobody has described it."""
    if is_standard(node) or node.domain == "ai.onnx.ml":
        domain = "" if is_standard(node) else node.domain
        try:
            schema = onnx.defs.get_schema(node.op_type, opset, domain)
        except onnx.defs.SchemaError:
            return None
        # A variable of one type, such as that of Shape's output, needs nothing to bind it.
        only = {
            one.type_param_str: next(iter(one.allowed_type_strs))
            for one in schema.type_constraints
            if len(one.allowed_type_strs) == 1
        }
        return Signature(
            schema.since_version,
            tuple(formal.type_str for formal in schema.inputs),
            tuple(only.get(formal.type_str, formal.type_str) for formal in schema.outputs),
        )
    found = table.signatures.get(node.op_type) if node.domain == _CONTRIBUTED else None
    return Signature(1, *found) if found else None


def bound_types(node: onnx.NodeProto, signature: Signature, types: Mapping[str, str]) -> Types:
    """The element type of each type variable that the node's inputs bind, and of the one an attribute gives."""
    bound: Types = {}
    for name, variable in zip(node.input, _repeated(signature.inputs), strict=False):
        if name and "(" not in variable and not bound.get(variable):
            bound[variable] = types.get(name, "")
    typed = _typed_by_attribute(node)
    for variable in signature.outputs:
        if typed and variable not in bound:
            bound[variable] = typed
    return bound


def output_types(node: onnx.NodeProto, signature: Signature, bound: Mapping[str, str]) -> Types:
    """The element type of each output; empty where that is not known."""
    typed = _typed_by_attribute(node)
    found: Types = {}
    for name, variable in zip(node.output, _repeated(signature.outputs), strict=False):
        written = variable.removeprefix("tensor(").removesuffix(")") if "(" in variable else ""
        found[name] = typed or bound.get(variable, "") or written
    return found


def _typed_by_attribute(node: onnx.NodeProto) -> str:
    if node.op_type not in _TYPED_BY or not is_standard(node):
        return ""
    name, default = _TYPED_BY[node.op_type]
    for attribute in node.attribute:
        if attribute.name == name:
            is_tensor = attribute.type == onnx.AttributeProto.TENSOR
            return element_type(attribute.t.data_type if is_tensor else attribute.i)
        if attribute.name in _CONSTANTS:
            return _CONSTANTS[attribute.name]
    return default


def _repeated(formal: Iterable[str]) -> Iterator[str]:
    last = ""
    for last in formal:
        yield last
    while last:
        yield last
