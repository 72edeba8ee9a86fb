from __future__ import annotations

import onnx_ir as ir
from onnx import ModelProto

from modelpack.graph.entropy.taps import Patches, Tap, find_taps
from modelpack.graph.recipes.weights import find_weights
from tests.support import onnx_models
from tests.support.onnx_models import weights_like
from tests.support.recipes import lifted_if_net, one_node


def taps(proto: ModelProto) -> tuple[Tap, ...]:
    model = ir.from_proto(proto)
    return find_taps(model, find_weights(model, ()).weights)


def test_find_taps_products_and_look_ups() -> None:
    assert taps(onnx_models.embedding_net()) == (Tap("table", "ids", "rows", 100),)
    assert taps(onnx_models.mlp()) == (Tap("fc1.weight", "x", "product", 32),)


def test_find_taps_filters_say_how_they_cut() -> None:
    patches = Patches((3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1)
    assert taps(onnx_models.conv_net()) == (Tap("conv2.weight", "r1", "patches", 144, patches),)


def test_find_taps_inside_branches_nothing_is_watched() -> None:
    assert taps(lifted_if_net()) == ()


def test_find_taps_padding_by_size_is_not_watched() -> None:
    proto = one_node("Conv", [1, 16, 8, 8], weights_like(0, 16, 16, 3, 3), [1, 16, 8, 8])
    proto.graph.node[0].attribute.add(name="auto_pad", type=3, s=b"SAME_UPPER")
    assert taps(proto) == ()


def test_moments_key_products_of_one_value_share_it() -> None:
    left, right = Tap("q", "x", "product", 8), Tap("k", "x", "product", 8)
    assert left.moments == right.moments
    assert Tap("t", "ids", "rows", 8).moments != Tap("u", "ids", "rows", 8).moments
