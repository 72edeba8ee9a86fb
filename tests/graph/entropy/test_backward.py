from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper

from modelpack.graph.entropy.backward import Tape
from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import open_session, run_session
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value
from tests.support.recipes import floats


def between(
    *nodes: NodeProto, opset: int = 20, **constants: NDArray[np.generic]
) -> onnx.ModelProto:
    """`x` [1, 3, 4] → h = x × w, then the nodes from `h` to `y`, then an inner product with something uneven."""
    weights = [tensor("w", floats(7, 4, 4)), tensor("uneven", floats(8, 64))]
    weights += [tensor(name, array) for name, array in constants.items()]
    parts = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "/in"),
        *nodes,
        helper.make_node("Reshape", ["y", "flat"], ["f"], "/flat"),
        helper.make_node("Slice", ["uneven", "start", "size", "axis"], ["u"], "/slice"),
        helper.make_node("Mul", ["f", "u"], ["m"], "/mul"),
        helper.make_node("Tanh", ["m"], ["out"], "/tanh"),
        helper.make_node("Size", ["y"], ["length"], "/length"),
        helper.make_node("Reshape", ["length", "flat"], ["size"], "/size"),
    ]
    weights += [
        tensor(name, np.array([number], np.int64))
        for name, number in (("flat", -1), ("start", 0), ("axis", 0))
    ]
    model = onnx_models.model(parts, [value("x", [1, 3, 4])], [value("out", ["n"])], weights)
    model.opset_import[0].version = opset
    model.ir_version = 9
    return model


def n(operator: str, *names: str, **attributes: object) -> NodeProto:
    """A node whose last name is its output."""
    return helper.make_node(operator, names[:-1], names[-1:], f"/{names[-1]}", **attributes)


POSITIVE = (n("Mul", "h", "h", "h2"), n("Add", "h2", "one", "p"))
ONE = {"one": np.ones(1, np.float32)}
CASES: dict[str, onnx.ModelProto] = {
    "add broadcast": between(n("Add", "h", "b", "s"), n("Mul", "s", "h", "y"), b=floats(1, 4)),
    "sub": between(n("Sub", "b", "h", "y"), b=floats(1, 2, 3, 1)),
    "div": between(*POSITIVE, n("Div", "h", "p", "y"), **ONE),
    "pow": between(*POSITIVE, n("Pow", "p", "e", "y"), e=np.array(1.5, np.float32), **ONE),
    "sqrt": between(*POSITIVE, n("Sqrt", "p", "y"), **ONE),
    "relu": between(n("Relu", "h", "y")),
    "sigmoid": between(n("Sigmoid", "h", "y")),
    "erf": between(n("Erf", "h", "y")),
    "gelu": between(n("Gelu", "h", "y")),
    "softmax": between(n("Softmax", "h", "y", axis=1)),
    "layer norm": between(n("LayerNormalization", "h", "g", "y", axis=-1), g=floats(1, 4)),
    "matmul of two": between(n("Transpose", "h", "t", perm=[0, 2, 1]), n("MatMul", "t", "h", "y")),
    "gemm": between(
        n("Reshape", "h", "rows", "r"),
        n("Gemm", "r", "v", "y", transB=1),
        v=floats(1, 5, 4),
        rows=np.array([3, 4], np.int64),
    ),
    "gather": between(n("Gather", "h", "ids", "y", axis=1), ids=np.array([[2, 2], [0, -1]])),
    "reduce mean": between(n("ReduceMean", "h", "axes", "y", keepdims=0), axes=np.array([-1])),
    "reduce sum": between(n("ReduceSum", "h", "axes", "y"), axes=np.array([1])),
    "clip": between(n("Clip", "h", "low", "y"), low=np.array(0.1, np.float32)),
    "squeeze": between(n("Squeeze", "h", "s"), n("Unsqueeze", "s", "at", "y"), at=np.array([2])),
    "exp and log": between(*POSITIVE, n("Log", "p", "l"), n("Exp", "l", "y"), **ONE),
    "reciprocal": between(*POSITIVE, n("Reciprocal", "p", "r"), n("Neg", "r", "y"), **ONE),
    "leaky relu": between(n("LeakyRelu", "h", "y", alpha=0.3)),
    "hard swish": between(n("HardSigmoid", "h", "s"), n("HardSwish", "s", "y"), opset=21),
    "reduce max": between(n("ReduceMax", "h", "axes", "y", keepdims=0), axes=np.array([1])),
    "reduce min": between(n("ReduceMin", "h", "axes", "y"), axes=np.array([-1])),
    "max": between(
        n("Max", "h", "b", "m1"), n("Min", "m1", "h", "c", "y"), b=floats(1, 4), c=floats(2, 4)
    ),
    "where": between(
        n("Greater", "h", "zero", "c"),
        n("Where", "c", "h", "b", "y"),
        zero=np.zeros(1, np.float32),
        b=floats(1, 4),
    ),
    "concat": between(n("Neg", "h", "m1"), n("Concat", "h", "m1", "h", "y", axis=1)),
    "slice": between(
        n("Slice", "h", "from", "to", "axes", "by", "y"),
        **{
            "from": np.array([2, 1]),
            "to": np.array([-9, 9]),
            "axes": np.array([1, -1]),
            "by": np.array([-1, 2]),
        },
    ),
    "expand": between(
        n("ReduceSum", "h", "axes", "r"),
        n("Expand", "r", "to", "y"),
        axes=np.array([2]),
        to=np.array([1, 3, 5]),
    ),
    "cast": between(n("Cast", "h", "d", to=11), n("Cast", "d", "y", to=1)),
    "global pool": between(
        n("Unsqueeze", "h", "at", "u4"), n("GlobalAveragePool", "u4", "y"), at=np.array([3])
    ),
}


def on_picture(*nodes: NodeProto, **constants: NDArray[np.generic]) -> onnx.ModelProto:
    """The nodes from `p` [1, 2, 3, 4] to `y`, p made of h [1, 3, 4] and its square."""
    front = (
        n("Mul", "h", "h", "h2"),
        n("Concat", "h", "h2", "both", axis=0),
        n("Reshape", "both", "picture", "p"),
    )
    return between(*front, *nodes, picture=np.array([1, 2, 3, 4]), **constants)


SPATIAL: dict[str, onnx.ModelProto] = {
    "conv": on_picture(
        n("Conv", "p", "k", "y", strides=[2, 1], dilations=[1, 2], pads=[1, 2, 0, 1]),
        k=floats(1, 3, 2, 2, 2),
    ),
    "conv of groups": on_picture(
        n("Conv", "p", "k", "b", "y", group=2, auto_pad="SAME_UPPER"),
        k=floats(1, 4, 1, 3, 2),
        b=floats(2, 4),
    ),
    "conv same lower": on_picture(
        n("Conv", "p", "k", "y", auto_pad="SAME_LOWER", strides=[2, 2]), k=floats(1, 2, 2, 2, 3)
    ),
    "max pool": on_picture(
        n("MaxPool", "p", "y", kernel_shape=[2, 2], strides=[2, 3], pads=[0, 1, 0, 0], ceil_mode=1)
    ),
    "average pool": on_picture(n("AveragePool", "p", "y", kernel_shape=[2, 3], pads=[1, 1, 0, 1])),
    "average pool with padding": on_picture(
        n("AveragePool", "p", "y", kernel_shape=[2, 3], pads=[1, 1, 0, 1], count_include_pad=1)
    ),
    "global max pool": on_picture(n("GlobalMaxPool", "p", "y")),
    "batch normalization": on_picture(
        n("BatchNormalization", "p", "g", "b", "m0", "v", "y"),
        g=floats(1, 2),
        b=floats(2, 2),
        m0=floats(3, 2),
        v=np.array([0.5, 2], np.float32),
    ),
}
CASES.update(SPATIAL)


@pytest.mark.parametrize("name", CASES)
def test_gradients_agree_with_small_steps(name: str, tmp_path: Path) -> None:
    path = onnx_models.write(CASES[name], tmp_path / "model.onnx")
    feed = {"x": floats(0, 1, 3, 4)}
    tape = Tape(path, ["h"], ["out"])
    assert tape.reached == {"h"}
    ((values, (gradients,)),) = tape.run([Sample(0, feed)], ["h"], lambda *found: found)
    output = np.asarray(values["out"], np.float64)
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), output.shape)

    def projected(hidden: NDArray[np.float32]) -> float:
        # h = x × w, and w is regular: the x that gives this h.
        x = hidden.astype(np.float64) @ np.linalg.inv(floats(7, 4, 4).astype(np.float64))
        out = run_session(open_session(path), {"x": x.astype(np.float32)}, ["out"])["out"]
        return float((np.asarray(out, np.float64) * signs).sum() / np.linalg.norm(output))

    direction, hidden = floats(3, 1, 3, 4), np.asarray(values["h"], np.float32)
    step = np.float32(2e-3)
    slope = (projected(hidden + step * direction) - projected(hidden - step * direction)) / 0.004
    found = float((gradients["h"] * direction).sum())
    # Central differences of float32 outputs: rounding alone gives 1e-4.
    assert found == pytest.approx(slope, rel=0.02, abs=2e-3)


def test_reached_nothing_before_an_operator_without_derivative(tmp_path: Path) -> None:
    model = between(n("Selu", "h", "s"), n("Add", "s", "h", "y"))
    tape = Tape(onnx_models.write(model, tmp_path / "model.onnx"), ["h", "m"], ["out"])
    assert tape.reached == {"m"}


def test_reached_sizes_stop_no_gradient(tmp_path: Path) -> None:
    model = between(n("Shape", "h", "shape"), n("Reshape", "h", "shape", "y"))
    assert Tape(onnx_models.write(model, tmp_path / "m.onnx"), ["h"], ["out"]).reached == {"h"}


def test_reached_what_no_output_follows_from_is_left_out(tmp_path: Path) -> None:
    model = between(n("Relu", "h", "y"), n("Relu", "h", "aside"))
    tape = Tape(onnx_models.write(model, tmp_path / "m.onnx"), ["h", "aside"], ["out"])
    assert tape.reached == {"h"}


def test_run_a_sample_several_times_in_a_row_gives_as_many_gradients(tmp_path: Path) -> None:
    path = onnx_models.write(CASES[next(iter(CASES))], tmp_path / "model.onnx")
    tape = Tape(path, ["h"], ["out"])
    first, second = (Sample(number, {"x": floats(number, 1, 3, 4)}) for number in (0, 1))

    def seen(samples: list[Sample]) -> list[list[NDArray[np.float32]]]:
        return list(tape.run(samples, [], lambda _, found: [each["h"] for each in found]))

    together = seen([first, first, second])
    assert [len(each) for each in together] == [2, 1]
    assert not np.array_equal(together[0][0], together[0][1])
    assert np.array_equal(together[0][0], seen([first])[0][0])
