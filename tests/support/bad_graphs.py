"""Models with a graph that `inspect` refuses, each with the whole line it refuses them with."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from tests.support import onnx_models
from tests.support.changed_models import AGAIN, changed
from tests.support.onnx_models import Builder, value

STANDARD = " — export the model with standard operators"


def node(operator: str, inputs: list[str], outputs: list[str], name: str = "") -> Builder:
    """A builder of `mlp()` with one more node."""
    added = helper.make_node(operator, inputs, outputs, name)
    return changed(lambda model: model.graph.node.append(added))


def domain(name: str) -> onnx.ModelProto:
    model = node("FusedThing", ["x"], ["z"], "/fused")()
    model.graph.node[-1].domain = name
    model.opset_import.add(domain=name, version=1)
    return model


def constant(attribute: onnx.AttributeProto) -> onnx.ModelProto:
    model = node("Constant", [], ["z"], "/constant")()
    model.graph.node[-1].attribute.append(attribute)
    return model


def cycle() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], "/a"),
        helper.make_node("Add", ["x", "a"], ["b"], "/b"),
    ]
    return onnx_models.model(nodes, [value("x", [1])], [value("b", [1])], [])


def cycle_through_subgraph() -> onnx.ModelProto:
    inner = helper.make_graph(
        [helper.make_node("Identity", ["late"], ["i"])], "inner", [], [value("i", [1])]
    )
    nodes = [
        helper.make_node("If", ["flag"], ["early"], "/if", then_branch=inner, else_branch=inner),
        helper.make_node("Identity", ["early"], ["late"], "/late"),
    ]
    inputs = [value("flag", [], TensorProto.BOOL)]
    return onnx_models.model(nodes, inputs, [value("late", [1])], [])


def nested(depth: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "g", [], [value("y", [1])]
    )
    for _ in range(depth):
        branch = helper.make_node("If", ["flag"], ["y"], then_branch=graph, else_branch=graph)
        branch.attribute[1].g.Clear()
        leaf = helper.make_node("Identity", ["x"], ["y"])
        branch.attribute[1].g.CopyFrom(helper.make_graph([leaf], "leaf", [], [value("y", [1])]))
        graph = helper.make_graph([branch], "g", [], [value("y", [1])])
    inputs = [value("x", [1]), value("flag", [], TensorProto.BOOL)]
    return onnx_models.model(list(graph.node), inputs, [value("y", [1])], [])


def recursive_functions() -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    model = onnx_models.mlp()
    model.opset_import.append(opsets[1])
    for name, callee in (("f", "g"), ("g", "f")):
        body = [helper.make_node(callee, ["a"], ["b"], domain="local")]
        model.functions.append(helper.make_function("local", name, ["a"], ["b"], body, opsets))
    return model


def sequence_input() -> onnx.ModelProto:
    model = onnx_models.mlp()
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [1]))
    model.graph.input.append(helper.make_value_info("s", kind))
    return model


BAD_GRAPHS: dict[str, tuple[Builder, str]] = {
    "ir-too-new": (
        changed(lambda m: setattr(m, "ir_version", 14)),
        (
            "MP-E211 IR version 14; onnxruntime-web 1.30 reads 3 to 13 "
            "— export with an onnx package that writes IR version 13 or lower"
        ),
    ),
    "ir-missing": (
        changed(lambda m: m.ClearField("ir_version")),
        (
            "MP-E211 IR version 0; onnxruntime-web 1.30 reads 3 to 13 "
            "— export with an onnx package that writes IR version 13 or lower"
        ),
    ),
    "opset-too-new": (
        changed(lambda m: setattr(m.opset_import[0], "version", 27)),
        "MP-E210 opset 27; onnxruntime-web 1.30 runs 7 to 26 — export with opset 26 or lower",
    ),
    "opset-too-old": (
        changed(lambda m: setattr(m.opset_import[0], "version", 6)),
        (
            "MP-E210 opset 6; onnxruntime-web 1.30 runs 7 to 26 "
            "— export again, or convert with onnx.version_converter to 17"
        ),
    ),
    "opset-missing": (
        changed(lambda m: m.ClearField("opset_import")),
        (
            "MP-E210 no opset for ai.onnx; onnxruntime-web 1.30 runs 7 to 26 "
            "— export again, or convert with onnx.version_converter to 17"
        ),
    ),
    "opset-twice": (
        changed(lambda m: m.opset_import.add(domain="ai.onnx", version=18)),
        f'MP-E210 the opset of "ai.onnx" is imported twice{AGAIN}',
    ),
    "domain-custom": (
        lambda: domain("com.acme"),
        f'MP-E212 node "/fused" uses FusedThing of "com.acme", which onnxruntime-web 1.30 lacks{STANDARD}',
    ),
    "domain-training": (
        lambda: domain("ai.onnx.preview.training"),
        (
            'MP-E212 node "/fused" uses FusedThing of "ai.onnx.preview.training", '
            f"which onnxruntime-web 1.30 lacks{STANDARD}"
        ),
    ),
    "operator-unknown": (
        node("MatMull", ["x", "fc1.weight"], ["z"]),
        (
            'MP-E213 node "MatMull → z" uses "MatMull", which is no ONNX operator; '
            f'did you mean "MatMul"?{STANDARD}'
        ),
    ),
    "training": (
        changed(lambda m: m.training_info.add()),
        "MP-E320 the model carries training steps — export the model for inference",
    ),
    "no-outputs": (
        changed(lambda m: m.graph.ClearField("output")),
        f"MP-E320 the graph has no outputs{AGAIN}",
    ),
    "output-not-made": (
        changed(lambda m: m.graph.output.append(value("ghost", [1]))),
        f'MP-E320 nothing makes the output "ghost"{AGAIN}',
    ),
    "input-without-type": (
        changed(lambda m: m.graph.input.add(name="z")),
        f'MP-E320 "z" has no type; expected a tensor{AGAIN}',
    ),
    "input-sequence": (
        sequence_input,
        f'MP-E320 "s" is a sequence; expected a tensor{AGAIN}',
    ),
    "input-type-unknown": (
        changed(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 77)),
        f'MP-E320 "x" has the unknown element type 77{AGAIN}',
    ),
    "input-dimension-negative": (
        changed(lambda m: m.graph.input.append(value("z", [-3]))),
        f'MP-E320 "z" has the negative dimension -3{AGAIN}',
    ),
    "input-without-name": (
        changed(lambda m: m.graph.input.append(value("", [1]))),
        f"MP-E320 one input has no name{AGAIN}",
    ),
    "input-twice": (
        changed(lambda m: m.graph.input.append(m.graph.input[0])),
        f'MP-E320 2 inputs have the name "x"{AGAIN}',
    ),
    "tensor-twice": (
        changed(lambda m: m.graph.initializer.append(m.graph.initializer[0])),
        f'MP-E320 2 tensors have the name "fc1.weight"{AGAIN}',
    ),
    "value-made-twice": (
        node("Relu", ["x"], ["h"], "/again"),
        f'MP-E320 2 values have the name "h"{AGAIN}',
    ),
    "value-made-over-input": (
        node("Relu", ["h"], ["x"], "/again"),
        f'MP-E320 a node makes "x", which is an input or a tensor already{AGAIN}',
    ),
    "value-not-made": (
        node("Relu", ["nowhere"], ["z"], "/lost"),
        f'MP-E320 node "/lost" reads "nowhere", which nothing makes{AGAIN}',
    ),
    "attribute-without-type": (
        lambda: constant(onnx.AttributeProto(name="value_int", i=1)),
        'MP-E320 node "/constant" has an attribute "value_int" without a value of its type' + AGAIN,
    ),
    "attribute-without-value": (
        lambda: constant(onnx.AttributeProto(name="value", type=onnx.AttributeProto.TENSOR)),
        'MP-E320 node "/constant" has an attribute "value" without a value of its type' + AGAIN,
    ),
    "constant-without-tensor": (
        lambda: constant(onnx.AttributeProto(name="value", type=onnx.AttributeProto.INT, i=1)),
        'MP-E320 node "/constant" is a Constant whose value is no tensor' + AGAIN,
    ),
    "cycle": (
        cycle,
        f'MP-E320 node "/a" needs its own result: the graph has a cycle{AGAIN}',
    ),
    "cycle-through-subgraph": (
        cycle_through_subgraph,
        f'MP-E320 node "/if" needs its own result: the graph has a cycle{AGAIN}',
    ),
    "nested-25-deep": (
        lambda: nested(25),
        "MP-E320 graphs are nested more than 24 deep — export the model without nested control flow",
    ),
    "functions-recursive": (
        recursive_functions,
        f'MP-E320 function "f" calls itself{AGAIN}',
    ),
}
