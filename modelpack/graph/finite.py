"""Weights in data files that are no numbers. `inspect` sees the graph file alone, so these are looked for in `shake`."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from modelpack.errors import SourceError
from modelpack.graph.weights import WeightReader

_FLOATS = {ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.FLOAT16, ir.DataType.BFLOAT16}


def refuse_nan(model: ir.Model) -> None:
    """Reads each weight in a data file once, in blocks. Raises: SourceError MP-E322 if one has a NaN."""
    reader = WeightReader()
    for graph in model.graphs():
        for value in graph.initializers.values():
            tensor = value.const_value
            if isinstance(tensor, ir.ExternalTensor) and tensor.dtype in _FLOATS:
                nans = _count_nan(tensor, reader)
                if nans:
                    raise SourceError(
                        "MP-E322",
                        f'tensor "{value.name}" has {nans} values that are not a number (NaN)',
                        remedy="train or export the model again",
                    )


def _count_nan(tensor: ir.ExternalTensor, reader: WeightReader) -> int:
    blocks = reader.blocks(tensor, 0, tensor.nbytes)
    return sum(int(np.isnan(np.frombuffer(block, tensor.dtype.numpy())).sum()) for block in blocks)
