"""Which files of a repository of the hub count, by their names alone.

1. `path` names an ONNX file: that one, with its data files.
2. A repository that ships ONNX is used as it is: `model.onnx`, or an encoder and a decoder, in `onnx/` or at the top. What
   exporters leave beside it (halves, quantised forms) is not: variants are made here, and measured. A decoder comes as one
   graph with both branches, or else as two: of the first call, and of all others.
3. Anything else is a checkpoint in safetensors. Its files are locked beside the ONNX files of case 2, because a `task` in
   the configuration asks for an export all the same.
4. JSON, vocabularies and templates at the top and in the folders of sentence-transformers come along; no code does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from modelpack.errors import SourceError
from modelpack.sources.checkpoint import SMALL_SUFFIXES, Allowed, pickles_of

_FOLDERS = ("onnx/", "")
_SINGLE = ("model.onnx", "decoder_model_merged.onnx", "decoder_model.onnx")
_ENCODER = "encoder_model.onnx"
_DECODERS = ("decoder_model_merged.onnx", "decoder_model.onnx")
_WITH_PAST = "decoder_with_past_model.onnx"
_MODULE = r"(?:[0-9]+_[A-Za-z]+/)?"  # sentence-transformers: 1_Pooling
_COMPANION = re.compile(rf"{_MODULE}[^/]+")
_WEIGHTS = re.compile(rf"{_MODULE}model(?:-[0-9]+-of-[0-9]+)?\.safetensors")
_DATA = r"(?:\.onnx_data(?:_[0-9]+)?|\.onnx\.data|\.data)"
_MOST_SHOWN = 5
_NOTHING_MORE = Allowed()


def is_small(name: str) -> bool:
    """Whether the file is one that says how a model is used, and no weights."""
    return name.endswith(tuple(SMALL_SUFFIXES))


def wanted_files(
    names: Iterable[str], path: str, where: str, allowed: Allowed = _NOTHING_MORE
) -> tuple[str, ...]:
    """The files that count, sorted (all four rules).

    Raises: SourceError MP-E201 if the named file is not there, MP-E208 if nothing is that could become a model.
    """
    held = set(names)
    if path and path not in held:
        near = get_close_matches(path, held, n=3) or sorted(_onnx(held))[:_MOST_SHOWN]
        hint = f"; it has {', '.join(near)}" if near else ""
        raise SourceError("MP-E201", f"no such file{hint}", where=where, remedy="correct `source`")
    graphs = [graph for _, graph in graphs_of(held, path)]
    found = {name for graph in graphs for name in (graph, *data_files(graph, held))}
    if not path:
        found.update(name for name in held if _WEIGHTS.fullmatch(name))
        found.update(pickles_of(held) if allowed.pickle and not found else ())
    if not found:
        raise _nothing(held, where)
    if allowed.code:
        found.update(name for name in held if name.endswith(".py") and "/" not in name)
    found.update(name for name in held if is_small(name) and _COMPANION.fullmatch(name))
    return tuple(sorted(found))


def graphs_of(names: Iterable[str], path: str) -> tuple[tuple[str, str], ...]:
    """Each ONNX file to use as it is, after the part of the model that it is; none where there is none (rules 1 and 2)."""
    held = set(names)
    if path:
        return (("", path),)
    for folder in _FOLDERS:
        decoder = next((name for name in _DECODERS if folder + name in held), "")
        if decoder and folder + _ENCODER in held:
            is_one = decoder == _DECODERS[0] or folder + _WITH_PAST not in held
            others = () if is_one else (("decoder_with_past", folder + _WITH_PAST),)
            return (("encoder", folder + _ENCODER), ("decoder", folder + decoder), *others)
        for name in _SINGLE:
            if folder + name in held:
                return (("", folder + name),)
    graphs = _onnx(held)
    return (("", graphs[0]),) if len(graphs) == 1 else ()


def data_files(graph: str, names: Iterable[str]) -> tuple[str, ...]:
    """The files beside the graph that exporters name as its data, sorted."""
    pattern = re.compile(re.escape(graph.removesuffix(".onnx")) + _DATA)
    return tuple(sorted(name for name in names if pattern.fullmatch(name)))


def _onnx(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.endswith(".onnx"))


def _nothing(names: set[str], where: str) -> SourceError:
    graphs = _onnx(names)
    if graphs:
        shown = ", ".join(graphs[:_MOST_SHOWN])
        message = f"the repository has several ONNX files, and none is named model.onnx: {shown}"
        return SourceError(
            "MP-E208",
            message,
            where=where,
            remedy=f'name one: "{where.replace("@", f"/{graphs[0]}@")}"',
        )
    pickle = next((name for name in sorted(names) if name.endswith((".bin", ".pt", ".pth"))), "")
    if pickle:
        return SourceError(
            "MP-E207",
            f'the repository has its weights in "{pickle}" only, a pickle, which can run code when it is read',
            where=where,
            remedy="look for a revision with safetensors (the hub has a bot that adds one as a pull request), "
            "or set allow_pickle = true where you trust it",
        )
    return SourceError(
        "MP-E208",
        "the repository has neither ONNX files nor a checkpoint in safetensors",
        where=where,
        remedy="export the model to ONNX and name that file",
    )
