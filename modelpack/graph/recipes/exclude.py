"""Globs over node names: which nodes a recipe leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

import onnx_ir as ir

from modelpack.errors import StepError


def excluded_nodes(model: ir.Model, globs: Sequence[str]) -> frozenset[str]:
    """The names of all nodes, those of subgraphs included, that any of the globs matches.

    Raises: StepError MP-E451 if a glob matches nothing.
    """
    names = sorted({node.name for node in model.graph.all_nodes() if node.name})
    excluded: set[str] = set()
    for glob in globs:
        matches = {name for name in names if fnmatchcase(name, glob)}
        if not matches:
            raise _nothing_matches(glob, names)
        excluded |= matches
    return frozenset(excluded)


def _nothing_matches(glob: str, names: Sequence[str]) -> StepError:
    near = get_close_matches(glob, names, n=3, cutoff=0.3)
    shown = ", ".join(f'"{name}"' for name in near or names[:3])
    return StepError(
        "MP-E451",
        f'"{glob}" matches none of the {len(names)} named nodes',
        where="nodes_to_exclude",
        remedy=f"use names or globs of nodes that are there, such as {shown}" if shown else "",
    )
