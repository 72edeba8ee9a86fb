"""Damaged models: whatever byte is hit, `inspect` either refuses it as a typed error or reads a model."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest

from modelpack.errors import SourceError
from modelpack.planned import InspectParams
from modelpack.steps.contract import InputFiles, StepInput
from modelpack.steps.inspect import run
from tests.support import onnx_models
from tests.support.onnx_models import Builder

FLIPS = 400


def external_net() -> onnx.ModelProto:
    model = onnx_models.mlp()
    for number, weight in enumerate(model.graph.initializer):
        size_bytes = len(weight.raw_data)
        weight.ClearField("raw_data")
        onnx_models.place_outside(weight, "w.bin", number * 8192, size_bytes)
    return model


def small_net() -> onnx.ModelProto:
    """Little but structure, so that most flips hit some."""
    model = onnx_models.if_net()
    for attribute in model.graph.node[0].attribute:
        attribute.g.node[0].attribute[0].t.CopyFrom(
            onnx_models.tensor("", onnx_models.weights_like(0, 16, 1))
        )
    return model


@pytest.mark.parametrize("build", [external_net, small_net])
def test_inspect_damaged_model_is_refused_or_read(tmp_path: Path, build: Builder) -> None:
    content = bytearray(build().SerializeToString())
    random = np.random.default_rng(0)
    path = tmp_path / "model.onnx"
    step = StepInput(InspectParams((), (), ()), (InputFiles("model", (path,)),), tmp_path)
    for bit in random.choice(len(content) * 8, FLIPS, replace=False).tolist():
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with suppress(SourceError):
            run(step)
        content[bit // 8] ^= 1 << bit % 8
