from __future__ import annotations

import random

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper, parser

from modelpack.export.canonical import make_canonical

TEXT = """
<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x, bool c) => (float[2] y, float[2] w1__8)
<float[2] w1__8 = {1, 2}, float[2] w2__9 = {3, 4}, float[2] dead__1 = {5, 6}>
{
    a__4 = Add (x, w2__9)
    unused__7 = Relu (a__4)
    b__5 = Mul (a__4, w1__8)
    y = If (c) <
        then_branch = t () => (float[2] r__6) { r__6 = Add (b__5, w2__9) },
        else_branch = e () => (float[2] s__6) { s__6 = Sub (x, b__5) }
    >
}
"""


def model() -> onnx.ModelProto:
    return parser.parse_model(TEXT)


def disordered(seed: int) -> onnx.ModelProto:
    """The same graph, with other numbers in its names and another order wherever it has none."""
    numbers = random.Random(seed)
    names = {f"__{old}": f"__{numbers.randrange(10**6)}" for old in (4, 5, 6, 7, 8, 9, 1)}
    text = TEXT.replace("w1__8)", "OUT)").replace("float[2] w1__8 =", "float[2] OUT =")
    for old, new in names.items():
        text = text.replace(old, new)
    found = parser.parse_model(text.replace("OUT", "w1__8").replace(f"w1{names['__8']}", "w1__8"))
    weights = list(found.graph.initializer)
    numbers.shuffle(weights)
    del found.graph.initializer[:]
    found.graph.initializer.extend(weights)
    nodes = list(found.graph.node)
    nodes[1], nodes[2] = nodes[2], nodes[1]
    del found.graph.node[:]
    found.graph.node.extend(nodes)
    return found


def canonical(made: onnx.ModelProto) -> onnx.ModelProto:
    make_canonical(made)
    return made


def test_canonical_forms_of_one_graph_are_the_same_bytes() -> None:
    forms = {canonical(disordered(seed)).SerializeToString() for seed in range(5)}
    assert forms == {canonical(model()).SerializeToString()}


def test_canonical_names_follow_from_the_graph_and_nothing_dead_is_left() -> None:
    graph = canonical(model()).graph
    assert [node.name for node in graph.node] == ["Add_1", "Mul_1", "If_1"]
    assert [weight.name for weight in graph.initializer] == ["w1__8", "Add_1.1"]
    assert [value.name for value in (*graph.input, *graph.output)] == ["x", "c", "y", "w1__8"]
    branches = {one.name: one.g for one in graph.node[2].attribute}
    assert list(branches["then_branch"].node[0].input) == ["Mul_1:0", "Add_1.1"]
    assert [value.name for value in branches["else_branch"].output] == ["Sub_1:0"]


def test_canonical_form_computes_the_same() -> None:
    made = canonical(model())
    onnx.checker.check_model(made, full_check=True)
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.array([1, 2], np.float32)
    for condition, expected in ((True, [7, 16]), (False, [-3, -10])):
        (y,) = session.run(["y"], {"x": x, "c": np.array(condition)})
        np.testing.assert_array_equal(y, expected)


def test_canonical_branch_that_gives_a_weight_as_it_is_keeps_it() -> None:
    made = canonical(
        parser.parse_model("""
            <ir_version: 8, opset_import: ["" : 17]>
            g (float[2] x, bool c) => (float[2] y) {
                y = If (c) <
                    then_branch = t () => (float[2] w__3) <float[2] w__3 = {1, 2}> {},
                    else_branch = e () => (float[2] r__4) { r__4 = Relu (x) }
                >
            }
        """)
    )
    branches = {one.name: one.g for one in made.graph.node[0].attribute}
    assert [weight.name for weight in branches["then_branch"].initializer] == ["weight_1"]
    assert [value.name for value in branches["then_branch"].output] == ["weight_1"]
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(["y"], {"x": np.zeros(2, np.float32), "c": np.array(1, bool)})
    np.testing.assert_array_equal(y, [1, 2])


def test_canonical_form_of_a_long_chain_needs_no_deep_stack() -> None:
    nodes = [helper.make_node("Relu", [f"v{n}"], [f"v{n + 1}"]) for n in range(5000)]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("v0", "v5000")
    ]
    made = canonical(helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:])))
    assert len(made.graph.node) == 5000


def test_canonical_nodes_lose_fields_that_say_nothing() -> None:
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    constant = numpy_helper.from_array(np.ones(1, np.float32), "const__12")
    node = helper.make_node("Constant", [], ["y"], value=constant, domain="")
    node.domain = ""
    made = canonical(helper.make_model(helper.make_graph([node], "g", [], [value])))
    (found,) = made.graph.node
    assert not found.HasField("domain")
    assert not found.attribute[0].t.HasField("name")
