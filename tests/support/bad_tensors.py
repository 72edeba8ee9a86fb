"""Models with a tensor that `inspect` refuses, each with the whole line it refuses them with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto

from tests.support import onnx_models
from tests.support.changed_models import AGAIN, changed
from tests.support.onnx_models import Builder, place_outside, tensor, weights_like

BESIDE = " — export the model again, with its data file beside it"


def weight(change: Callable[[TensorProto], object]) -> Builder:
    """A builder of `mlp()` after `change` was made to its weight `fc1.bias`, float32 [64]."""
    return changed(lambda model: change(model.graph.initializer[1]))


def outside(location: str = "w.bin", offset: int | str = 0, length: int | str = 256) -> Builder:
    """A builder of `mlp()` whose `fc1.bias` claims to lie in a data file."""

    def change(bias: TensorProto) -> None:
        bias.ClearField("raw_data")
        place_outside(bias, location, offset, length)

    return weight(change)


def extra(key: str, content: str) -> Builder:
    """A builder of `mlp()` whose external `fc1.bias` has one more entry."""
    build = outside()

    def changed_build() -> onnx.ModelProto:
        model = build()
        model.graph.initializer[1].external_data.add(key=key, value=content)
        return model

    return changed_build


def no_location() -> onnx.ModelProto:
    model = outside()()
    del model.graph.initializer[1].external_data[0]
    return model


def overlapping() -> onnx.ModelProto:
    model = outside(offset=0)()
    second = model.graph.initializer[2]
    second.ClearField("raw_data")
    place_outside(second, "w.bin", 255, 2560)
    return model


def not_a_number() -> onnx.ModelProto:
    content = weights_like(1, 64)
    content[3] = np.nan
    return replaced(tensor("fc1.bias", content))


def nan_in_half_precision() -> onnx.ModelProto:
    model = onnx_models.mlp()
    half = tensor("half", np.array([1, np.nan, np.nan], np.float16))
    model.graph.initializer.append(half)
    return model


def replaced(content: TensorProto) -> onnx.ModelProto:
    model = onnx_models.mlp()
    model.graph.initializer[1].CopyFrom(content)
    return model


def typed(field: str, count: int) -> Builder:
    """A builder of `mlp()` whose `fc1.bias` keeps `count` values in a typed field."""

    def change(bias: TensorProto) -> None:
        bias.ClearField("raw_data")
        getattr(bias, field).extend([1] * count)

    return weight(change)


def sparse() -> onnx.ModelProto:
    model = onnx_models.mlp()
    entry = model.graph.sparse_initializer.add()
    entry.values.name = "thin"
    return model


BAD_TENSORS: dict[str, tuple[Builder, str]] = {
    "dimension-negative": (
        weight(lambda t: t.dims.append(-1)),
        f'MP-E320 tensor "fc1.bias" has a negative dimension in [64, -1]{AGAIN}',
    ),
    "dimensions-overflow": (
        weight(lambda t: t.dims.extend([1 << 40, 1 << 40])),
        (
            f'MP-E320 tensor "fc1.bias" would have {256 << 80} bytes '
            f"with dimensions [64, {1 << 40}, {1 << 40}]{AGAIN}"
        ),
    ),
    "raw-too-short": (
        weight(lambda t: setattr(t, "raw_data", t.raw_data[:-1])),
        f'MP-E320 tensor "fc1.bias" has 255 bytes; expected 256 for dimensions [64]{AGAIN}',
    ),
    "raw-too-long": (
        weight(lambda t: setattr(t, "raw_data", t.raw_data + b"\0")),
        f'MP-E320 tensor "fc1.bias" has 257 bytes; expected 256 for dimensions [64]{AGAIN}',
    ),
    "raw-and-typed": (
        weight(lambda t: t.float_data.append(1)),
        f'MP-E320 tensor "fc1.bias" has values in both raw_data and float_data{AGAIN}',
    ),
    "typed-too-few": (
        typed("float_data", 63),
        f'MP-E320 tensor "fc1.bias" has 63 values; expected 64 for dimensions [64]{AGAIN}',
    ),
    "typed-in-wrong-field": (
        typed("int64_data", 64),
        f'MP-E320 tensor "fc1.bias" has values in int64_data; expected float_data{AGAIN}',
    ),
    "no-values": (
        weight(lambda t: t.ClearField("raw_data")),
        f'MP-E320 tensor "fc1.bias" has no values; expected 256 bytes{AGAIN}',
    ),
    "type-undefined": (
        weight(lambda t: t.ClearField("data_type")),
        f'MP-E320 tensor "fc1.bias" has the type UNDEFINED, which is not supported{AGAIN}',
    ),
    "type-unknown": (
        weight(lambda t: setattr(t, "data_type", 99)),
        f'MP-E320 tensor "fc1.bias" has the type 99, which is not supported{AGAIN}',
    ),
    "type-strings": (
        lambda: replaced(TensorProto(name="fc1.bias", data_type=8, dims=[1], string_data=[b"a"])),
        f'MP-E320 tensor "fc1.bias" holds strings; expected numbers{AGAIN}',
    ),
    "segment": (
        weight(lambda t: setattr(t.segment, "begin", 1)),
        f'MP-E320 tensor "fc1.bias" is stored in segments, which nothing reads{AGAIN}',
    ),
    "sparse": (
        sparse,
        f'MP-E320 tensor "thin" is sparse, which onnxruntime-web does not read{AGAIN}',
    ),
    "external-and-raw": (
        weight(lambda t: place_outside(t, "w.bin", 0, 256)),
        f'MP-E320 tensor "fc1.bias" is in a data file and in raw_data, too{AGAIN}',
    ),
    "external-without-location": (
        no_location,
        f'MP-E312 tensor "fc1.bias" lies in a data file without a location{BESIDE}',
    ),
    "external-offset-negative": (
        outside(offset=-1),
        f'MP-E312 tensor "fc1.bias" has the offset "-1"; expected a whole number{BESIDE}',
    ),
    "external-offset-no-number": (
        outside(offset="0x10"),
        f'MP-E312 tensor "fc1.bias" has the offset "0x10"; expected a whole number{BESIDE}',
    ),
    "external-offset-huge": (
        outside(offset="9" * 19),
        f'MP-E312 tensor "fc1.bias" has the offset "{"9" * 19}"; expected a whole number{BESIDE}',
    ),
    "external-length-no-number": (
        outside(length="256.0"),
        f'MP-E312 tensor "fc1.bias" has the length "256.0"; expected a whole number{BESIDE}',
    ),
    "external-length-wrong": (
        outside(length=255),
        f'MP-E312 tensor "fc1.bias" has length 255; expected 256 for dimensions [64]{BESIDE}',
    ),
    "external-key-twice": (
        extra("location", "v.bin"),
        f'MP-E312 tensor "fc1.bias" has the external data key "location" twice{BESIDE}',
    ),
    "external-key-unknown": (
        extra("path", "v.bin"),
        (
            'MP-E312 tensor "fc1.bias" has the external data key "path"; '
            f"expected location, offset, length, checksum{BESIDE}"
        ),
    ),
    "external-overlap": (
        overlapping,
        f'MP-E312 tensor "fc2.weight" overlaps tensor "fc1.bias" in its data file{BESIDE}',
    ),
    "nan": (
        not_a_number,
        (
            'MP-E322 tensor "fc1.bias" has 1 values that are not a number (NaN) '
            "— train or export the model again"
        ),
    ),
    "nan-half-precision": (
        nan_in_half_precision,
        (
            'MP-E322 tensor "half" has 2 values that are not a number (NaN) '
            "— train or export the model again"
        ),
    ),
}
