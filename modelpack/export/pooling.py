"""The stages of a sentence-transformers model as nodes at the end of its transformer's graph.

Only operators that every execution provider has; so a page gets one vector, and no arithmetic of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from modelpack.errors import StepError
from modelpack.export.sentence import Dense, Normalize, Pooling, Stage
from modelpack.graph.sessions import Array

OUTPUT = "sentence_embedding"
_TOKENS = "last_hidden_state"
_MASK = "attention_mask"
_LEAST_TOKENS = 1e-9  # what sentence-transformers divides by where every token is masked
_LEAST_NORM = 1e-12  # torch.nn.functional.normalize's own


def add_stages(model: onnx.ModelProto, stages: Sequence[Stage]) -> None:
    """Adds the stages to the model in place; `sentence_embedding`, float32 [batch_size, size], becomes its only output.

    Raises: StepError MP-E460 if the graph has no token vectors or no mask, or the stages do not begin with pooling.
    """
    graph = model.graph
    names = {value.name for value in (*graph.input, *graph.output)}
    if not {_TOKENS, _MASK} <= names or not stages or not isinstance(stages[0], Pooling):
        raise StepError(
            "MP-E460",
            f"a sentence-transformers model without {_TOKENS}, {_MASK} or pooling",
            remedy='set library = "transformers" to export the transformer alone',
        )
    tail = _Tail(graph, _opset(model))
    vector = _TOKENS
    for stage in stages:
        vector = tail.stage(stage, vector)
    graph.node.append(helper.make_node("Identity", [vector], [OUTPUT], "/sentence/Identity"))
    batch = graph.input[0].type.tensor_type.shape.dim[0].dim_param or "batch_size"
    size = _size(graph, stages)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [batch, size]))


class _Tail:
    """Appends nodes; each method returns the name of the value it made."""

    def __init__(self, graph: onnx.GraphProto, opset: int) -> None:
        self._graph = graph
        self._opset = opset
        self._count = 0
        self._mask = ""

    def stage(self, stage: Stage, value: str) -> str:
        match stage:
            case Pooling(ways):
                vectors = [_WAYS[way](self, value) for way in ways]
                return vectors[0] if len(vectors) == 1 else self.node("Concat", *vectors, axis=1)
            case Dense(weight, bias, activation):
                made = self.node("MatMul", value, self.constant(np.ascontiguousarray(weight.T)))
                made = made if bias is None else self.node("Add", made, self.constant(bias))
                return self.node(activation, made) if activation else made
            case Normalize():
                squares = self.sum(self.node("Mul", value, value), 1, keepdims=1)
                norm = self.node(
                    "Max", self.node("Sqrt", squares), self.constant(np.float32(_LEAST_NORM))
                )
                return self.node("Div", value, norm)

    def mean(self, tokens: str) -> str:
        return self.node("Div", self.masked_sum(tokens), self.token_count())

    def mean_sqrt_len(self, tokens: str) -> str:
        return self.node("Div", self.masked_sum(tokens), self.node("Sqrt", self.token_count()))

    def weightedmean(self, tokens: str) -> str:
        places = self.node("CumSum", self.ones(), self.constant(np.int64(1)))
        weights = self.node("Mul", places, self.mask())
        total = self.node(
            "Max", self.sum(weights, 1, keepdims=0), self.constant(np.float32(_LEAST_TOKENS))
        )
        return self.node("Div", self.sum(self.node("Mul", tokens, weights), 1, keepdims=0), total)

    def cls(self, tokens: str) -> str:
        return self.node("Gather", tokens, self.constant(np.int64(0)), axis=1)

    def lasttoken(self, tokens: str) -> str:
        """The token at which the running count of unmasked tokens first reaches its end."""
        counts = self.node("CumSum", _MASK, self.constant(np.int64(1)))
        last = self.node("ArgMax", counts, axis=1, keepdims=1)
        return self.node("GatherND", tokens, last, batch_dims=1)

    def max(self, tokens: str) -> str:
        is_token = self.node("Cast", self.mask(), to=TensorProto.BOOL)
        least = self.constant(np.float32(-1e9))  # as sentence-transformers has it
        return self.reduce("ReduceMax", self.node("Where", is_token, tokens, least), 1, keepdims=0)

    def mask(self) -> str:
        """The attention mask as float32 [batch, tokens, 1], made once."""
        if not self._mask:
            numbers = self.node("Cast", _MASK, to=TensorProto.FLOAT)
            self._mask = self.node("Unsqueeze", numbers, self.constant(np.array([2], np.int64)))
        return self._mask

    def ones(self) -> str:
        zeros = self.node("Mul", self.mask(), self.constant(np.float32(0)))
        return self.node("Add", zeros, self.constant(np.float32(1)))

    def masked_sum(self, tokens: str) -> str:
        return self.sum(self.node("Mul", tokens, self.mask()), 1, keepdims=0)

    def token_count(self) -> str:
        count = self.sum(self.mask(), 1, keepdims=0)
        return self.node("Max", count, self.constant(np.float32(_LEAST_TOKENS)))

    def sum(self, value: str, axis: int, *, keepdims: int) -> str:
        axes = self.constant(np.array([axis], np.int64))
        return self.node("ReduceSum", value, axes, keepdims=keepdims)

    def reduce(self, operator: str, value: str, axis: int, *, keepdims: int) -> str:
        """A reduction other than ReduceSum: its axes are an input from opset 18 on."""
        if self._opset < 18:
            return self.node(operator, value, axes=[axis], keepdims=keepdims)
        axes = self.constant(np.array([axis], np.int64))
        return self.node(operator, value, axes, keepdims=keepdims)

    def constant(self, value: Array | np.generic) -> str:
        name = self._name("constant")
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator: str, *inputs: str, **attributes: int | list[int]) -> str:
        name = self._name(operator)
        node = helper.make_node(operator, inputs, [name], name)
        node.attribute.extend(helper.make_attribute(*one) for one in sorted(attributes.items()))
        self._graph.node.append(node)
        return name

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"/sentence/{kind}_{self._count}"


_WAYS: dict[str, Callable[[_Tail, str], str]] = {
    "cls": _Tail.cls,
    "max": _Tail.max,
    "mean": _Tail.mean,
    "mean_sqrt_len": _Tail.mean_sqrt_len,
    "weightedmean": _Tail.weightedmean,
    "lasttoken": _Tail.lasttoken,
}


def _opset(model: onnx.ModelProto) -> int:
    return next(entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"})


def _size(graph: onnx.GraphProto, stages: Sequence[Stage]) -> int | str:
    """How long the vectors are, as far as the graph says."""
    tokens = next(value for value in graph.output if value.name == _TOKENS)
    size = tokens.type.tensor_type.shape.dim[-1].dim_value
    for stage in stages:
        match stage:
            case Pooling(ways):
                size *= len(ways)
            case Dense(weight):
                size = int(weight.shape[0])
            case Normalize():
                pass
    return size or "size"
