# ruff: noqa: INP001, S603  (a script beside the tests that run it; it runs the builder)
"""Builds the packs that the browser tests serve, into the folder that is given, with what native onnxruntime makes of them.

    python make_packs.py <folder> [<folder with the real models>]

Nothing is downloaded. A second run builds nothing: the builder remembers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from writer import LETTERS, writer

DIGITS = Path(__file__).parents[4] / "examples" / "digits"
OPSET = 17
IR_VERSION = 8
BANDS = 12
BAND_SHAPE = (8, 8192)  # 256 KiB in fp32: the least that has a chunk of its own

HEAD = """
[compatibility]
browser = false

[output]
path = "packs"
host = "{host}"
keep_generations = 0
"""
PLAIN = """
compression = "none"
"""
MODELS = """
[models.digits]
source = "digits.onnx"

[models.digits.variants]
gpu = { dtype = "fp32", device = "webgpu" }
q8 = { device = "wasm" }
fp32 = { device = "wasm" }

[models.bands]
source = "bands.onnx"
assets = { labels = "labels.txt" }

[models.bands.variants]
fp32 = { device = "wasm" }

[models.tally]
source = "tally.onnx"
state = [{ input = "total", output = "next_total" }]

[models.tally.variants]
fp32 = { device = "wasm" }

[models.writer]
source = "writer.onnx"
assets = { letters = "letters.txt" }
state = [
  { input = "past_key", output = "present_key" },
  { input = "past_value", output = "present_value" },
]

[models.writer.variants]
fp32 = { device = "wasm" }

[models.greedy]
source = "greedy.onnx"

[models.greedy.variants]
fp32 = { device = "wasm" }
"""
RUNTIME = """
[runtime]
package = "onnxruntime-web"

[models.digits]
source = "digits.onnx"

[models.digits.variants]
fp32 = { device = "wasm" }
"""
REAL = """
[models.magika]
source = "magika.onnx"

[models.magika.variants]
fp32 = { device = "wasm" }

[models.silero]
source = "silero.onnx"
state = [{ input = "state", output = "stateN" }]

[models.silero.variants]
fp32 = { device = "wasm" }

[models.ultraface]
source = "ultraface.onnx"

[models.ultraface.variants]
fp32 = { device = "wasm" }
"""


def main() -> None:
    """Writes `<folder>/<project>/packs` for each project, and `<folder>/expected.json`."""
    folder = Path(sys.argv[1])
    digits = onnx.load(DIGITS / "models" / "digits.onnx")
    small = {
        "bands.onnx": bands(),
        "digits.onnx": digits,
        "greedy.onnx": greedy(),
        "tally.onnx": tally(),
        "writer.onnx": writer(),
    }
    changed = {**small, "bands.onnx": bands(last_seed=99), "digits.onnx": retrained(digits)}
    build(folder / "stored", HEAD.format(host="static") + MODELS, small)
    build(folder / "transport", HEAD.format(host="nginx") + MODELS, small)
    build(folder / "redeployed", HEAD.format(host="static") + MODELS, changed)
    # As in development: compressing the runtime's 14 MB takes longer than all tests of it.
    build(folder / "runtime", HEAD.format(host="static") + PLAIN + RUNTIME, {"digits.onnx": digits})
    expected = {
        name: {
            "digits": answers(project / "digits.onnx", "image"),
            "bands": answers(project / "bands.onnx", "x"),
        }
        for name, project in (
            (name, folder / name) for name in ("stored", "transport", "redeployed")
        )
    }
    if len(sys.argv) > 2:
        build_real(folder, Path(sys.argv[2]))
    (folder / "expected.json").write_text(json.dumps(expected))


def build_real(folder: Path, models: Path) -> None:
    """Two releases of one model, a model with recurrent state, and one with convolutions."""
    for project, release in (("real", "v3_2"), ("real-next", "v3_3")):
        sources = {
            "magika.onnx": onnx.load(models / f"magika_{release}.onnx"),
            "silero.onnx": onnx.load(models / "silero_vad.onnx"),
            "ultraface.onnx": onnx.load(models / "ultraface.onnx"),
        }
        build(folder / project, HEAD.format(host="static") + REAL, sources)


def build(project: Path, config: str, models: dict[str, onnx.ModelProto]) -> None:
    """Builds the project, from scratch or from what is remembered."""
    project.mkdir(parents=True, exist_ok=True)
    (project / "modelpack.toml").write_text(config)
    (project / "labels.txt").write_text("zero\none\ntwo\n")
    (project / "letters.txt").write_text(LETTERS)
    for name, model in models.items():
        (project / name).write_bytes(model.SerializeToString(deterministic=True))
    subprocess.run(
        [sys.executable, "-m", "modelpack", "build", "-C", str(project), "-q"], check=True
    )


def bands(last_seed: int = BANDS - 1) -> onnx.ModelProto:
    """`x` float32 [batch, 8] → `y` float32 [batch, 8] through twelve weights of one chunk each."""
    names = [f"band{number}.weight" for number in range(BANDS)]
    seeds = [*range(BANDS - 1), last_seed]
    weights = [
        numpy_helper.from_array(band(seed, transposed=position % 2 == 1), name)
        for position, (seed, name) in enumerate(zip(seeds, names, strict=True))
    ]
    values = ["x", *(f"h{number}" for number in range(1, BANDS)), "y"]
    nodes = [
        helper.make_node(
            "MatMul", [values[number], names[number]], [values[number + 1]], f"/band{number}"
        )
        for number in range(BANDS)
    ]
    return to_model(nodes, [value("x", ["batch", 8])], [value("y", ["batch", 8])], weights)


def band(seed: int, *, transposed: bool) -> NDArray[np.float32]:
    """float32 [8, 8192], or [8192, 8], scaled so that the length of a vector about stays what it is."""
    weights = np.random.default_rng(seed).normal(size=BAND_SHAPE).astype(np.float32) / np.float32(
        90
    )
    return np.ascontiguousarray(weights.T) if transposed else weights


def tally() -> onnx.ModelProto:
    """`x` and `total`, float32 [1, 4] → `mean` [1, 1] of the new total, and `next_total` = total + x."""
    nodes = [
        helper.make_node("Add", ["total", "x"], ["next_total"], "/add"),
        helper.make_node("ReduceMean", ["next_total"], ["mean"], "/mean", axes=[1]),
    ]
    return to_model(
        nodes,
        [value("x", [1, 4]), value("total", [1, 4])],
        [value("mean", [1, 1]), value("next_total", [1, 4])],
    )


def greedy() -> onnx.ModelProto:
    """`shape` int64 [2] → `zeros` float32 of that shape: as much memory as is asked for."""
    node = helper.make_node(
        "ConstantOfShape",
        ["shape"],
        ["zeros"],
        "/zeros",
        value=numpy_helper.from_array(np.zeros(1, np.float32)),
    )
    shape = helper.make_tensor_value_info("shape", TensorProto.INT64, [2])
    return to_model([node], [shape], [value("zeros", ["rows", "columns"])])


def retrained(digits: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with another last layer: the two-dimensional weight that ends in ten classes."""
    changed = onnx.ModelProto()
    changed.CopyFrom(digits)
    last = next(weight for weight in changed.graph.initializer if list(weight.dims)[1:] == [10])
    last.CopyFrom(
        numpy_helper.from_array(numpy_helper.to_array(last) * np.float32(1.25), last.name)
    )
    return changed


def to_model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: list[TensorProto] | None = None,
) -> onnx.ModelProto:
    """The nodes as a model."""
    graph = helper.make_graph(nodes, "graph", inputs, outputs, weights)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )


def value(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    """A float32 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def answers(path: Path, name: str) -> dict[str, object]:
    """What native onnxruntime makes of one input: a held-out digit, or a ramp."""
    if name == "image":
        given = np.load(DIGITS / "golden" / "digits.npz")["image"][:1]
    else:
        given = (np.arange(8, dtype=np.float32) / 8).reshape(1, 8)
    output = np.asarray(
        ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {name: given})[0]
    )
    feed = {"type": "float32", "data": given.reshape(-1).tolist(), "dims": list(given.shape)}
    return {"feeds": {name: feed}, "output": output.reshape(-1).tolist()}


if __name__ == "__main__":
    main()
