"""Finding the nodes of a model that float16 cannot hold, and naming those that stay in float32."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from modelpack.graph.io import write_proto
from modelpack.graph.recipes.halves import LARGEST, fits
from modelpack.graph.sessions import Array, open_session, run_session

SCHEME = "fp16"
WITH_ISLANDS = "fp16_fp32_islands"

_MOST_NAMED = 3
# Other inputs than the probe's reach further; a factor of four in magnitude is two bits of the exponent.
_HEADROOM = 4.0


def overflowing_nodes(
    model: onnx.ModelProto, feeds: Sequence[Mapping[str, Array]], folder: Path
) -> tuple[str, ...]:
    """The names of the main graph's nodes that read a weight, or read or give a value, too large for float16.

    Taken from the original in float32: in float16 itself onnxruntime's processor kernels hide overflows.
    """
    too_large = {weight.name for weight in model.graph.initializer if not _weight_fits(weight)}
    for values in _all_values(model, feeds, folder):
        too_large |= {name for name, array in values.items() if _leaves_range(array)}
    return tuple(
        node.name
        for node in model.graph.node
        if node.name and too_large.intersection([*node.input, *node.output])
    )


def island_note(labels: Sequence[str], reason: str) -> str:
    """One line about the nodes that are so called and stay in float32."""
    nodes = "1 node stays" if len(labels) == 1 else f"{len(labels)} nodes stay"
    counts = Counter(labels)
    each = [f"{count} × {label}" if count > 1 else label for label, count in counts.items()]
    rest = len(labels) - sum(counts[label] for label in list(counts)[:_MOST_NAMED])
    more = f" and {rest} more" if rest else ""
    return f"{nodes} in float32, {reason}: {', '.join(each[:_MOST_NAMED])}{more}"


def is_too_large(magnitude: float) -> bool:
    """Whether other inputs than those that gave this magnitude may leave float16's range."""
    return magnitude * _HEADROOM > LARGEST


def _all_values(
    model: onnx.ModelProto, feeds: Sequence[Mapping[str, Array]], folder: Path
) -> Iterator[Mapping[str, Array]]:
    exposed = onnx.ModelProto()
    exposed.CopyFrom(model)
    public = {value.name for value in exposed.graph.output}
    names = {name for node in exposed.graph.node for name in node.output if name} - public
    exposed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(names))
    folder.mkdir()
    session = open_session(write_proto(exposed, folder)[0], optimized=False)
    for feed in feeds:
        yield run_session(session, dict(feed))


def _weight_fits(weight: onnx.TensorProto) -> bool:
    if weight.data_type != onnx.TensorProto.FLOAT:
        return True
    return fits(onnx.numpy_helper.to_array(weight))


def _leaves_range(array: Array) -> bool:
    if array.dtype != np.float32 or not array.size:
        return False
    finite = np.abs(array[np.isfinite(array)])
    return bool(finite.size) and is_too_large(float(finite.max()))
