"""Dropping what is written in a model for people and exporters: it is bytes on the wire, and text from a stranger."""

from __future__ import annotations

import onnx_ir as ir
from onnx_ir.passes import common


class ClearNotesPass(ir.passes.InPlacePass):
    """Drops documentation and metadata of the model, its graphs, nodes, values and weights."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """The model without notes."""
        modified = bool(model.metadata_props or model.doc_string)
        model.metadata_props.clear()
        model.doc_string = None
        for value in _values(model):
            modified |= bool(value.doc_string or value.metadata_props)
            value.doc_string = None
            value.metadata_props.clear()
        result = common.ClearMetadataAndDocStringPass()(model)
        return ir.passes.PassResult(model, modified=modified or result.modified)


def _values(model: ir.Model) -> list[ir.Value]:
    values: list[ir.Value] = []
    for graph in model.graphs():
        values += [*graph.inputs, *graph.initializers.values()]
        values += [value for node in graph for value in node.outputs]
    return values
