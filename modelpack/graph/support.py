"""What onnxruntime-web can load, and whether a model stays inside it.

Found by loading models of each kind with onnxruntime-web 1.30.0 (wasm) on 2026-11-20: opset 27 and IR version 14 are
refused, opset 6 has no kernels. A domain may be imported without being used; only nodes count.
"""

from __future__ import annotations

from difflib import get_close_matches

import onnx

from modelpack.errors import SourceError
from modelpack.graph.walk import is_standard, node_label, nodes

RUNTIME = "onnxruntime-web 1.30"
OPSETS = (7, 26)
IR_VERSIONS = (3, 13)
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"})

# Operators onnxruntime keeps in ONNX's own domain although ONNX has removed them or never had them.
_RUNTIME_OPERATORS = frozenset(
    {
        "Affine",
        "Crop",
        "DynamicSlice",
        "GivenTensorFill",
        "ImageScaler",
        "ParametricSoftplus",
        "Scale",
        "ScaledTanh",
        "SimplifiedLayerNormalization",
    }
)


def check_support(model: onnx.ModelProto) -> None:
    """Nothing, where onnxruntime-web knows the model's versions, domains and operators.

    Raises: SourceError MP-E210 to MP-E213.
    """
    _check_ir_version(model)
    _check_opsets(model)
    functions = {(function.domain, function.name) for function in model.functions}
    for node in nodes(model):
        if (node.domain, node.op_type) not in functions:
            _check_node(node)


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that the model imports; 0 where it imports none."""
    return next((o.version for o in model.opset_import if o.domain in {"", "ai.onnx"}), 0)


def _check_ir_version(model: onnx.ModelProto) -> None:
    lowest, highest = IR_VERSIONS
    if not lowest <= model.ir_version <= highest:
        raise SourceError(
            "MP-E211",
            f"IR version {model.ir_version}; {RUNTIME} reads {lowest} to {highest}",
            remedy=f"export with an onnx package that writes IR version {highest} or lower",
        )


def _check_opsets(model: onnx.ModelProto) -> None:
    imports = [(entry.domain or "ai.onnx", entry.version) for entry in model.opset_import]
    twice = next((domain for domain, _ in imports if [d for d, _ in imports].count(domain) > 1), "")
    if twice:
        raise SourceError(
            "MP-E210", f'the opset of "{twice}" is imported twice', remedy="export the model again"
        )
    lowest, highest = OPSETS
    opset = opset_of(model)
    if opset > highest:
        raise SourceError(
            "MP-E210",
            f"opset {opset}; {RUNTIME} runs {lowest} to {highest}",
            remedy=f"export with opset {highest} or lower",
        )
    if opset < lowest:
        found = f"opset {opset}" if opset else "no opset for ai.onnx"
        raise SourceError(
            "MP-E210",
            f"{found}; {RUNTIME} runs {lowest} to {highest}",
            remedy="export again, or convert with onnx.version_converter to 17",
        )


def _check_node(node: onnx.NodeProto) -> None:
    if node.domain not in DOMAINS:
        raise SourceError(
            "MP-E212",
            f'node "{node_label(node)}" uses {node.op_type} of "{node.domain}", which {RUNTIME} lacks',
            remedy="export the model with standard operators",
        )
    if is_standard(node) and not _is_known(node.op_type):
        near = get_close_matches(node.op_type, _operator_names(), n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise SourceError(
            "MP-E213",
            f'node "{node_label(node)}" uses "{node.op_type}", which is no ONNX operator{hint}',
            remedy="export the model with standard operators",
        )


def _is_known(operator: str) -> bool:
    return onnx.defs.has(operator) or operator in _RUNTIME_OPERATORS


def _operator_names() -> list[str]:
    schemas = onnx.defs.get_all_schemas()
    return sorted(_RUNTIME_OPERATORS | {schema.name for schema in schemas if not schema.domain})
