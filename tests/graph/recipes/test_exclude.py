from __future__ import annotations

import onnx_ir as ir
import pytest

from modelpack.errors import StepError
from modelpack.graph.recipes.exclude import excluded_nodes
from tests.support import onnx_models
from tests.support.recipes import lifted_if_net


def test_excluded_nodes_glob_matches_names() -> None:
    model = ir.from_proto(onnx_models.conv_net())
    assert excluded_nodes(model, ["/conv*"]) == {"/conv1", "/conv2"}


def test_excluded_nodes_no_globs_exclude_nothing() -> None:
    assert excluded_nodes(ir.from_proto(onnx_models.mlp()), []) == frozenset()


def test_excluded_nodes_reach_into_branches() -> None:
    assert excluded_nodes(ir.from_proto(lifted_if_net()), ["/then/*"]) == {"/then/MatMul"}


def test_excluded_nodes_case_counts() -> None:
    with pytest.raises(StepError):
        excluded_nodes(ir.from_proto(onnx_models.conv_net()), ["/Conv*"])


def test_excluded_nodes_unmatched_glob_names_near_ones() -> None:
    with pytest.raises(StepError) as caught:
        excluded_nodes(ir.from_proto(onnx_models.mlp()), ["/fc1/*", "/fc2/Gem"])
    assert str(caught.value) == (
        'MP-E451 nodes_to_exclude: "/fc2/Gem" matches none of the 4 named nodes — '
        'use names or globs of nodes that are there, such as "/fc2/Gemm", "/fc1/Add", "/fc1/MatMul"'
    )
