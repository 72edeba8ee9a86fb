"""Which weight is stored how: what the dtype says, then what embeddings and outputs are to be, then overrides.

1. q8, int8 and uint8 store every weight in 8 bits.
2. q4 and bnb4 store products in 4 bits; q4 also look-ups on wasm. In onnxruntime-web's builds for WebGPU (asyncify and
   JSPI) that provider has GatherBlockQuantized, but wasm has not: a session that gets no WebGPU would not be created.
   Every other weight is stored as int8.
3. fp16 leaves weights to the conversion of the whole graph.
4. What is asked for by name and has no form for its reader is stored as int8, with a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

import onnx_ir as ir
from msgspec import Struct

from modelpack.errors import StepError
from modelpack.graph.recipes.weights import Weight, reader_names
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import Override, WeightDtype

FOUR_BITS: frozenset[WeightDtype] = frozenset({"q4", "bnb4"})
EIGHT_BITS: frozenset[WeightDtype] = frozenset({"q8", "int8", "uint8"})


class Storage(Struct, frozen=True):
    """How a weight is stored; `block_size` counts for 4 bits only."""

    dtype: WeightDtype
    block_size: int


class Assigned(Struct, frozen=True):
    """The storage of each weight by its name, and notes on what could not be as it was asked for."""

    storages: Mapping[str, Storage]
    notes: tuple[str, ...] = ()


def assign(model: ir.Model, weights: Sequence[Weight], params: QuantizeParams) -> Assigned:
    """The storage of each of the weights.

    Raises: StepError MP-E451 if an override matches no node and no weight of the model.
    """
    _check_patterns(model, params.settings.overrides)
    last = _nearest_to_outputs(model, weights) if params.settings.output_dtype else frozenset()
    storages, notes = {}, []
    for weight in weights:
        wanted = _named(weight, params, is_last=weight.name in last)
        storage = wanted or _usual(weight, params)
        if wanted is not None and not _has_form(weight, wanted.dtype, params):
            storage = Storage("q8", params.block_size)
            notes.append(f"{weight.name} is stored as int8: {wanted.dtype} has no form for it")
        storages[weight.name] = storage
    return Assigned(storages, tuple(notes))


def kept_nodes(model: ir.Model, overrides: Sequence[Override]) -> frozenset[str]:
    """The nodes that overrides keep in fp32: those that the last one that matches gives that dtype."""
    kept = set()
    for node in model.graph.all_nodes():
        found = _last_match({node.name or ""}, overrides)
        if found is not None and found.dtype == "fp32":
            kept.add(node.name or "")
    return frozenset(kept)


def _named(weight: Weight, params: QuantizeParams, *, is_last: bool) -> Storage | None:
    """What the settings say of this weight, whatever the dtype."""
    settings = params.settings
    override = _last_match({weight.name, *reader_names(weight.value)}, settings.overrides)
    if override is not None:
        return Storage(override.dtype, override.block_size)
    if weight.kind == "rows" and settings.embedding_dtype is not None:
        return Storage(settings.embedding_dtype, params.block_size)
    if is_last and settings.output_dtype is not None:
        return Storage(settings.output_dtype, params.block_size)
    return None


def _usual(weight: Weight, params: QuantizeParams) -> Storage:
    match params.dtype:
        case "q4f16":
            dtype: WeightDtype = "q4"
        case "fp16":
            dtype = "fp32"  # case 3
        case other:
            dtype = other
    if dtype in FOUR_BITS and not _has_form(weight, dtype, params):
        dtype = "q8"
    return Storage(dtype, params.block_size)


def _has_form(weight: Weight, dtype: WeightDtype, params: QuantizeParams) -> bool:
    if dtype not in FOUR_BITS:
        return True
    if dtype == "q4" and weight.kind == "rows":  # two numbers a byte: rows of even length
        return params.device == "wasm" and weight.shape[1] % 2 == 0
    return weight.kind == "product"


def _last_match(names: set[str], overrides: Sequence[Override]) -> Override | None:
    for override in reversed(overrides):
        if any(fnmatchcase(name, override.pattern) for name in names):
            return override
    return None


def _nearest_to_outputs(model: ir.Model, weights: Sequence[Weight]) -> frozenset[str]:
    """The weights from which the outputs are reached without passing the reader of another."""
    readers: dict[str, set[str]] = {}
    for weight in weights:
        for name in reader_names(weight.value):
            readers.setdefault(name, set()).add(weight.name)
    found: set[str] = set()
    waiting, seen = list(model.graph.outputs), set[int]()
    while waiting:
        node = waiting.pop().producer()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.name in readers:
            found |= readers[node.name]
        else:
            waiting.extend(_before(node))
    return frozenset(found)


def _before(node: ir.Node) -> Iterator[ir.Value]:
    yield from (value for value in node.inputs if value is not None)
    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH:
            yield from attribute.as_graph().outputs


def _check_patterns(model: ir.Model, overrides: Sequence[Override]) -> None:
    names = {node.name for node in model.graph.all_nodes() if node.name}
    names |= {name for graph in model.graphs() for name in graph.initializers}
    for override in overrides:
        if not any(fnmatchcase(name, override.pattern) for name in names):
            near = get_close_matches(override.pattern, sorted(names), n=3, cutoff=0.3)
            shown = ", ".join(f'"{name}"' for name in near or sorted(names)[:3])
            raise StepError(
                "MP-E451",
                f'"{override.pattern}" matches none of the {len(names)} names of nodes and weights',
                where="overrides",
                remedy=f"use names or globs of what is there, such as {shown}",
            )
