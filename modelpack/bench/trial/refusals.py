"""What onnxruntime-web says when it refuses a graph or stops in it: the node and operator that it means."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

# As releases 1.24 to 1.30 word it; each pattern finds a node, an operator, or both.
_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"implementation for (?P<operator>[\w.:]+)\(\d+\) node with name '(?P<node>[^']*)'",
        r"while running (?P<operator>\w+) node\. Name:'(?P<node>[^']*)'",
        r'Kernel "\[(?:\w+\|)?(?P<operator>\w+)\] (?P<node>[^"]*)" failed',
        r'In Node, \("(?P<node>[^"]*)", (?P<operator>\w+),',
        r"Node ?\((?P<node>[^()]*)\) Op ?\((?P<operator>\w+)\)",
        r"Node:(?P<node>\S+) Output",
        r"No Op registered for (?P<operator>\w+)",
        r"(?P<operator>[\w.:]+)\(-?\d+\) is not a registered function/op",
    )
)
_MOST_CHARACTERS: Final = 300


class Refusal(Struct, frozen=True):
    """The node and its operator, where the message names them, and the message on one line."""

    node: str
    operator: str
    message: str


def refusal_of(message: str) -> Refusal:
    """What a message of onnxruntime-web is about."""
    line = " ".join(message.split())[:_MOST_CHARACTERS]
    for pattern in _PATTERNS:
        found = pattern.search(message)
        if found:
            groups = found.groupdict()
            operator = groups.get("operator", "")
            return Refusal(groups.get("node", ""), operator, line)
    return Refusal("", "", line)
