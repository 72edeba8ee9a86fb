"""Raising the standard opset of a model, for recipes that need newer operators."""

from __future__ import annotations

import onnx
import onnx_ir as ir

_STANDARD = ("", "ai.onnx")


def opset_of(model: ir.Model) -> int:
    """The version of the standard operators the model asks for."""
    return max(model.opset_imports.get(domain, 0) for domain in _STANDARD)


def at_least(model: ir.Model, version: int) -> ir.Model:
    """The model at opset `version` or above; as it is where onnx cannot convert it.

    Opsets of domains that no node uses are dropped first: onnx's converter refuses models that import unknown ones.
    """
    if opset_of(model) >= version:
        return model
    try:
        proto = onnx.version_converter.convert_version(_proto(model), version)
        onnx.checker.check_model(proto)
    except (RuntimeError, onnx.checker.ValidationError):
        return model  # the recipes have a form for every opset; this one only fits the device less well
    return ir.from_proto(proto)


def _proto(model: ir.Model) -> onnx.ModelProto:
    used = {node.domain for node in model.graph.all_nodes()} | set(_STANDARD)
    proto = ir.to_proto(model)
    kept = [opset for opset in proto.opset_import if opset.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    return proto
