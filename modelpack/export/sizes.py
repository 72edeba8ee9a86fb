"""Sizes of images that a checkpoint fixes and its export leaves open.

optimum names the dimensions of every image (`num_channels`, `height`, `width`), also where the model takes one size
only. Fixed, they tell a page what to send, and let every later step run the model on inputs of its own.
"""

from __future__ import annotations

import onnx

_CHANNELS, _HEIGHT, _WIDTH = "num_channels", "height", "width"


def fixed_sizes(config: object) -> dict[str, int]:
    """The sizes by dimension, from the attributes of a transformers configuration; none for models without images."""
    vision = getattr(config, "vision_config", config)
    sizes: dict[str, int] = {}
    channels = getattr(vision, "num_channels", None)
    if isinstance(channels, int):
        sizes[_CHANNELS] = channels
    match getattr(vision, "image_size", None):
        case int(side):
            sizes |= {_HEIGHT: side, _WIDTH: side}
        case [int(height), int(width)]:
            sizes |= {_HEIGHT: height, _WIDTH: width}
    return sizes


def fix_sizes(model: onnx.ModelProto, sizes: dict[str, int]) -> bool:
    """Gives the named dimensions of inputs and outputs their size, in place. False where none has such a name."""
    has_changed = False
    for value in (*model.graph.input, *model.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[dim.dim_param]  # which unsets the name
                has_changed = True
    return has_changed
