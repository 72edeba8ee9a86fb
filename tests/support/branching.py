"""Models whose products lie inside branches and loops, written in ONNX's own text."""

from __future__ import annotations

import onnx

from tests.support.onnx_models import tensor, weights_like

_HEAD = '<ir_version: 8, opset_import: ["" : 17]>'
_SCALES = "float[1] up = {1000.0}, float[1] down = {0.000001}"

# Both sides multiply by 1000 twice, which leaves float16's range, and come back; only `else` has a product besides.
_IF = """
net (float[2, 32] x, bool flag) => (float[2, 64] y) <SCALES> {
  [if] y = If (flag) <
    then_branch = first () => (float[2, 64] then_y) {
      [then_product] a = MatMul (x, w)
      [then_up] b = Mul (a, up)
      [then_far] c = Mul (b, up)
      [then_down] then_y = Mul (c, down)
    },
    else_branch = second () => (float[2, 64] else_y) {
      [else_product] d = MatMul (x, w)
      [else_relu] else_y = Relu (d)
    }
  >
}"""

_LOOP = """
net (float[2, 32] x, int64 turns) => (float[2, 32] y, float[n, 2, 32] each) {
  always = Constant <value = bool {1}> ()
  [loop] y, each = Loop (turns, always, x) <
    body = turn (int64 i, bool go, float[2, 32] carried) => (bool on, float[2, 32] next, float[2, 32] seen) {
      [on] on = Identity (go)
      [product] a = MatMul (carried, square)
      [tanh] next = Tanh (a)
      [seen] seen = Neg (next)
    }
  >
}"""

_SCAN = """
net (float[2, 32] x, float[n, 2, 32] steps) => (float[2, 32] y, float[n, 2, 32] each) {
  [scan] y, each = Scan <num_scan_inputs = 1, scan_output_axes = [0],
    body = step (float[2, 32] carried, float[2, 32] given) => (float[2, 32] next, float[2, 32] seen) {
      [sum] a = Add (carried, given)
      [product] b = MatMul (a, square)
      [tanh] next = Tanh (b)
      [seen] seen = Neg (next)
    }
  > (x, steps)
}"""

_NESTED = """
net (float[2, 32] x, int64 turns) => (float[2, 32] y) <SCALES> {
  always = Constant <value = bool {1}> ()
  [loop] y = Loop (turns, always, x) <
    body = turn (int64 i, bool go, float[2, 32] carried) => (bool on, float[2, 32] next) {
      [on] on = Identity (go)
      zero = Constant <value = int64 {0}> ()
      [is_first] is_first = Equal (i, zero)
      [inner] next = If (is_first) <
        then_branch = first () => (float[2, 32] then_y) {
          [near] a = MatMul (carried, square)
          [tanh] then_y = Tanh (a)
        },
        else_branch = second () => (float[2, 32] else_y) {
          [up] b = Mul (carried, up)
          [far] c = Mul (b, up)
          [back] else_y = Mul (c, down)
        }
      >
    }
  >
}"""


def if_model() -> onnx.ModelProto:
    """`x` float32 [2, 32], `flag` bool [] → `y` [2, 64]; the side `then` leaves float16's range on the way."""
    return _model(_IF, "w", 64)


def loop_model() -> onnx.ModelProto:
    """`x` float32 [2, 32], `turns` int64 [] → `y` [2, 32] and what each turn gives, `each` [turns, 2, 32]."""
    return _model(_LOOP, "square", 32)


def scan_model() -> onnx.ModelProto:
    """`x` float32 [2, 32], `steps` [n, 2, 32] → `y` [2, 32] and `each` [n, 2, 32]."""
    return _model(_SCAN, "square", 32)


def nested_model() -> onnx.ModelProto:
    """`x` float32 [2, 32], `turns` int64 [] → `y` [2, 32]: a product in the first turn, out of range in the others."""
    return _model(_NESTED, "square", 32)


def lstm_in_branch() -> onnx.ModelProto:
    """`x` float32 [5, 1, 8], `flag` bool [] → `y` [5, 1, 1, 16]; either side is a recurrence and a Relu."""
    sides = ", ".join(
        f"""{side}_branch = {side} () => (float[5, 1, 1, 16] {side}_y) {{
          [{side}_lstm] {side}_h = LSTM <hidden_size = 16> (x, lstm_W, lstm_R)
          [{side}_relu] {side}_y = Relu ({side}_h)
        }}"""
        for side in ("then", "else")
    )
    text = f"net (float[5, 1, 8] x, bool flag) => (float[5, 1, 1, 16] y) {{ [if] y = If (flag) <{sides}> }}"
    proto = onnx.parser.parse_model(f"{_HEAD}{text}")
    shapes = {"lstm_W": (1, 64, 8), "lstm_R": (1, 64, 16)}
    proto.graph.initializer.extend(
        tensor(name, weights_like(1, *shape)) for name, shape in shapes.items()
    )
    return proto


def _model(text: str, weight: str, columns: int) -> onnx.ModelProto:
    proto = onnx.parser.parse_model(_HEAD + text.replace("SCALES", _SCALES))
    proto.graph.initializer.append(tensor(weight, weights_like(0, 32, columns)))
    return proto
