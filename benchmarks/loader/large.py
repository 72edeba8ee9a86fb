"""Writes a model of 350 MB twice, as a project to pack and as one file with its weights inside: `large.py <project> <one file>`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 2048
LAYERS = 21  # 16.8 MB each

CONFIG = """[output]
path = "packs"
host = "nginx"
compression = "none"

[models.large]
source = "model.onnx"

[models.large.variants]
fp32 = { device = "wasm" }
"""


def main() -> None:
    """A chain of matrix products with different weights."""
    project, target = Path(sys.argv[1]), Path(sys.argv[2])
    random = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(
            (random.standard_normal((WIDTH, WIDTH), np.float32) / 45), f"weight{layer}"
        )
        for layer in range(LAYERS)
    ]
    nodes = [
        helper.make_node("MatMul", [f"x{layer}", f"weight{layer}"], [f"x{layer + 1}"], f"/{layer}")
        for layer in range(LAYERS)
    ]
    names = ("x0", f"x{LAYERS}")
    first, last = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, WIDTH]) for name in names
    )
    graph = helper.make_graph(nodes, "large", [first], [last], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for path in (project / "model.onnx", target):
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(model, path)
    (project / "modelpack.toml").write_text(CONFIG)


if __name__ == "__main__":
    main()
