"""What the releases of onnxruntime-web support, read from `onnxruntime-web.json`, which `tools/compatibility` writes.

1. An operator is named `MatMul` or `com.microsoft.MatMulNBits`. Its kernels are versions, in order: each holds from the
   version of the operator's definition that it names up to the next one's.
2. A version's rows are products: `{"T": "float float16", "U": "int32"}` takes either type of T with that of U. No rows:
   the provider has no kernel for this version. A row without variables says nothing of types.
3. Every build has `wasm`, which takes what its other provider leaves; with WebGPU it has fewer kernels than alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

FORMAT: Final = 1
TABLE: Final = Path(__file__).with_name("onnxruntime-web.json")

Row = dict[str, str]
Versions = list[tuple[int, list[Row]]]
Kernels = dict[str, Versions]
Evidence = Literal["tried", "documented"]


class ProviderEntry(Struct, frozen=True):
    """A provider in a build: how its kernels are known, and the name of their list."""

    evidence: Evidence
    kernels: str


class BuildEntry(Struct, frozen=True):
    """A build: the opsets it reads, and the operators of which no trial could tell anything."""

    opsets: tuple[int, int]
    untold: tuple[str, ...]
    providers: dict[str, ProviderEntry]


class ReleaseEntry(Struct, frozen=True):
    """A release, and the browser that it was tried in."""

    browser: str
    builds: dict[str, BuildEntry]


class _KernelList(Struct, frozen=True):
    like: str
    operators: dict[str, Any]


class TableFile(Struct, frozen=True):
    """The whole file. `signatures` has the types of the inputs and outputs of onnxruntime's own operators."""

    format: Literal[1]
    releases: dict[str, ReleaseEntry]
    types: tuple[str, ...]
    signatures: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    kernels: dict[str, _KernelList]

    def kernels_of(self, name: str) -> Kernels:
        """The kernels of that list, whole."""
        entry = self.kernels[name]
        found = self.kernels_of(entry.like) if entry.like else {}
        for operator, versions in entry.operators.items():
            if versions is None:
                found.pop(operator, None)
            else:
                found[operator] = [
                    (since, [{k: self.types[v] for k, v in row.items()} for row in rows])
                    for since, rows in versions
                ]
        return found


def read_file(content: bytes) -> TableFile:
    """The table that these bytes hold."""
    return msgspec.json.decode(content, type=TableFile)


@cache
def shipped_table() -> TableFile:
    """The table that comes with modelpack."""
    return read_file(TABLE.read_bytes())
