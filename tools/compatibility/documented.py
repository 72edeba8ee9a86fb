"""WebNN's operators as the package documents them: no browser of the machine that makes the table has WebNN."""

from __future__ import annotations

import re
from pathlib import Path

from tools.compatibility.table import Kernels

_ROW = re.compile(r"^\|\s*(\w+)\s*\|(.+?)\|")
# The page counts opsets of models, and begins with the lowest that onnxruntime reads: operators in them may be older.
_LOWEST_OPSET = 7
_RANGES = re.compile(r"([\w.]+)\(([^)]*)\)")


def documented_kernels(package: Path) -> Kernels:
    """What `docs/webnn-operators.md` lists: operators and versions, no types. Empty where a release has no such file."""
    page = package / "docs" / "webnn-operators.md"
    found: Kernels = {}
    if not page.is_file():
        return found
    for line in page.read_text(encoding="utf-8").splitlines():
        match = _ROW.match(line)
        if match is None:
            continue
        for domain, ranges in _RANGES.findall(match[2]):
            name = match[1] if domain == "ai.onnx" else f"{domain}.{match[1]}"
            versions = _versions(ranges)
            if versions:
                found[name] = versions
    return found


def _versions(ranges: str) -> list[tuple[int, list[dict[str, str]]]]:
    """`7-9, 11+` as versions from which on the operator is there, or no longer is."""
    found: list[tuple[int, list[dict[str, str]]]] = []
    for first, last, is_open in re.findall(r"(\d+)(?:-(\d+))?(\+?)", ranges):
        if found and not found[-1][1] and found[-1][0] == int(first):
            found.pop()  # it goes on
        else:
            found.append((int(first) if int(first) > _LOWEST_OPSET else 1, [{}]))
        if not is_open:
            found.append((int(last or first) + 1, []))
    return found
