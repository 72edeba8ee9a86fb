"""Nodes as configurations and messages name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase

import onnx

from modelpack.graph.walk import is_standard


def operator_of(node: onnx.NodeProto) -> str:
    """`Conv`, or with the domain of others than ONNX's own `com.microsoft.FusedConv`."""
    return node.op_type if is_standard(node) else f"{node.domain}.{node.op_type}"


def reason_for(operator: str, label: str, accepted: Iterable[tuple[str, str]]) -> str | None:
    """The reason of the first of `accepted`, pairs of an operator or a pattern of nodes' labels with a reason, that means this node."""
    for pattern, reason in accepted:
        if pattern == operator or fnmatchcase(label, pattern):
            return reason
    return None


def counted(operators: Iterable[str]) -> str:
    """Each operator once with its number, the most frequent first."""
    counts = Counter(operators).most_common()
    return ", ".join(
        f"{count} × {operator}" if count > 1 else operator for operator, count in counts
    )
