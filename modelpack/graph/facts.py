"""What is known of a model from its graph file alone, and whether it has what is asked of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

import onnx
from onnx import TensorProto

from modelpack.errors import SourceError
from modelpack.graph.extents import check_overlaps
from modelpack.graph.tensors import check_tensor
from modelpack.graph.values import proto_facts
from modelpack.graph.walk import NamedTensor, is_standard, node_label, nodes, scopes, tensors
from modelpack.planned import InspectParams
from modelpack.record import ModelFacts, TensorFacts, ValueFacts
from modelpack.spec.golden import StatePair

_LISTED_FROM_BYTES = 1024  # smaller Constant nodes are parameters of the graph, not weights


def read_facts(model: onnx.ModelProto) -> ModelFacts:
    """The facts of a model, each tensor and value of which is well formed.

    Raises: SourceError MP-E320 or MP-E312 naming what is not.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    listed = tuple(_tensor_facts(model))
    check_overlaps(listed)
    return ModelFacts(
        model.ir_version,
        tuple(sorted((entry.domain, entry.version) for entry in model.opset_import)),
        tuple(sorted(Counter(map(_operator, nodes(model))).items())),
        proto_facts(value for value in model.graph.input if value.name not in weights),
        proto_facts(model.graph.output),
        listed,
    )


def check_wanted(facts: ModelFacts, wanted: InspectParams) -> None:
    """Nothing, where the graph has every output, state and dimension that is asked for.

    Raises: SourceError MP-E321 naming the nearest, MP-E323 if a state's input and output differ.
    """
    outputs = [value.name for value in facts.outputs]
    for name in wanted.outputs:
        _check_name("output", name, outputs)
    for pair in wanted.state:
        _check_name("input", pair.input, [value.name for value in facts.inputs])
        _check_name("output", pair.output, outputs)
        _check_state(pair, facts)
    dimensions = [size for value in facts.inputs for size in value.shape if isinstance(size, str)]
    for name, _ in wanted.free_dimensions:
        _check_name("free dimension", name, list(dict.fromkeys(dimensions)))


def _tensor_facts(model: onnx.ModelProto) -> Iterator[TensorFacts]:
    consumers = _consumers(model)
    for named in tensors(model):
        facts = check_tensor(named, tuple(consumers.get(named.name, ())))
        if _is_listed(named, facts):
            yield facts


def _is_listed(named: NamedTensor, facts: TensorFacts) -> bool:
    if named.is_initializer or named.tensor.data_location == TensorProto.EXTERNAL:
        return True
    return named.is_weight and facts.size_bytes >= _LISTED_FROM_BYTES


def _consumers(model: onnx.ModelProto) -> dict[str, list[str]]:
    """Value name → nodes that read it. Names count in all scopes at once: good enough to tell a person where to look."""
    consumers: dict[str, dict[str, None]] = {}
    for scope in scopes(model):
        for node in scope.nodes:
            for name in node.input:
                consumers.setdefault(name, {})[node_label(node)] = None
    return {name: list(labels) for name, labels in consumers.items()}


def _operator(node: onnx.NodeProto) -> str:
    return node.op_type if is_standard(node) else f"{node.domain}:{node.op_type}"


def _check_name(kind: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name in names:
        return
    near = get_close_matches(name, names, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    shown = ", ".join(f'"{known_name}"' for known_name in names) or "none"
    raise SourceError(
        "MP-E321",
        f'the graph has no {kind} "{name}"{hint}',
        remedy=f"the graph's {kind}s: {shown}",
    )


def _check_state(pair: StatePair, facts: ModelFacts) -> None:
    given = next(value for value in facts.inputs if value.name == pair.input)
    made = next(value for value in facts.outputs if value.name == pair.output)
    if given.dtype != made.dtype or not _may_agree(given, made):
        raise SourceError(
            "MP-E323",
            f'state input "{given.name}" is {_shown(given)}, output "{made.name}" is {_shown(made)}; expected the same',
            remedy="pair each state input with the output that continues it",
        )


def _may_agree(given: ValueFacts, made: ValueFacts) -> bool:
    """Sizes that are known on both sides are equal. An output without dimensions may just not be known."""
    if not made.shape:
        return True
    pairs = zip(given.shape, made.shape, strict=False)
    clashes = any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs)
    return len(given.shape) == len(made.shape) and not clashes


def _shown(value: ValueFacts) -> str:
    sizes = ", ".join("?" if size is None else str(size) for size in value.shape)
    return f"{value.dtype} [{sizes}]"
