"""Builders of models that differ from a good one in one thing."""

from __future__ import annotations

from collections.abc import Callable

import onnx

from tests.support import onnx_models
from tests.support.onnx_models import Builder

AGAIN = " — export the model again"


def changed(change: Callable[[onnx.ModelProto], object]) -> Builder:
    """A builder of `mlp()` after `change` was made to it."""

    def build() -> onnx.ModelProto:
        model = onnx_models.mlp()
        change(model)
        return model

    return build
