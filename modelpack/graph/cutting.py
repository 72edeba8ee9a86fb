"""Where weights lie in data files, and where chunks begin and end. Pure arithmetic over sizes and names; no bytes.

The rules of cutting (docs/manifest.md says why):

1. A weight of LARGE_WEIGHT_BYTES or more starts its own chunk and is cut every `chunk_size_bytes` from its own start.
2. Smaller weights are packed, in order, with the neighbours of their scope, up to PACK_BYTES. Large weights in between
   do not interrupt a pack: a bias and a norm on either side of a matrix share one request.
3. Cuts follow from names and sizes of one scope alone, so a change in one scope never moves the cuts of another.
4. Alignment is between weights of a file, never inside a chunk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from modelpack.units import KIB, MIB

LARGE_WEIGHT_BYTES = (
    256 * KIB
)  # 256 KiB requests, six at a time, cost nothing against one file (docs/manifest.md)
PACK_BYTES = 1 * MIB  # what one changed bias may make a returning user fetch again
DATA_FILE_BYTES = (
    1 << 30
)  # the next weight starts the next file: browsers refuse much larger buffers
SMALL_ALIGNMENT_BYTES = 64  # a cache line, the widest vector any kernel loads
LARGE_ALIGNMENT_BYTES = (
    4096  # a page, so that a native runtime can map a large weight where it lies
)

_NUMBERED = re.compile(r".*\d")


class Weight(Struct, frozen=True):
    """A weight to be placed. `scope` names the part of the model that reads it first."""

    name: str
    size_bytes: int
    scope: str

    @property
    def is_large(self) -> bool:
        """Whether it starts its own chunk."""
        return self.size_bytes >= LARGE_WEIGHT_BYTES


class Piece(Struct, frozen=True):
    """A run of bytes of the weight `name`."""

    name: str
    offset_bytes: int
    size_bytes: int


class Place(Struct, frozen=True):
    """Where a weight lies: the data file's number, and the offset in it."""

    file: int
    offset_bytes: int


def cut_weights(weights: Sequence[Weight], chunk_size_bytes: int) -> tuple[tuple[Piece, ...], ...]:
    """The chunks, each as the pieces that follow one another in it, ordered by the first weight in them."""
    order = {weight.name: number for number, weight in enumerate(weights)}
    chunks = [
        chunk
        for _, run in groupby(weights, key=lambda weight: weight.scope)
        for chunk in _cut_scope(tuple(run), chunk_size_bytes)
    ]
    return tuple(sorted(chunks, key=lambda chunk: (order[chunk[0].name], chunk[0].offset_bytes)))


def place_weights(weights: Sequence[Weight]) -> tuple[Place, ...]:
    """The place of each weight, in order."""
    places: list[Place] = []
    file, end = 0, 0
    for weight in weights:
        start = _aligned(end, weight)
        if end and start + weight.size_bytes > DATA_FILE_BYTES:
            file, start = file + 1, 0
        places.append(Place(file, start))
        end = start + weight.size_bytes
    return tuple(places)


def scopes(consumers: Sequence[str]) -> tuple[str, ...]:
    """The scope of each consumer, from the names of all of them.

    After the prefix that all names share, a scope is the path up to the first numbered part, which is what
    exporters call a repeated block (`encoder/layer.3`); without one, the first part. Names without a path have no
    scope, so runs of them are packed together.
    """
    paths = [_path(name) for name in consumers]
    shared = _shared_length([path for path in paths if path])
    return tuple("/".join(_scope(path, shared)) for path in paths)


def _cut_scope(run: tuple[Weight, ...], chunk_size_bytes: int) -> Iterator[tuple[Piece, ...]]:
    pack: list[Piece] = []
    packed_bytes = 0
    for weight in run:
        if weight.is_large:
            yield from ((piece,) for piece in _cut_large(weight, chunk_size_bytes))
            continue
        if packed_bytes + weight.size_bytes > PACK_BYTES:
            yield tuple(pack)
            pack, packed_bytes = [], 0
        pack.append(Piece(weight.name, 0, weight.size_bytes))
        packed_bytes += weight.size_bytes
    if pack:
        yield tuple(pack)


def _cut_large(weight: Weight, chunk_size_bytes: int) -> Iterator[Piece]:
    for offset in range(0, weight.size_bytes, chunk_size_bytes):
        yield Piece(weight.name, offset, min(chunk_size_bytes, weight.size_bytes - offset))


def _aligned(offset: int, weight: Weight) -> int:
    alignment = LARGE_ALIGNMENT_BYTES if weight.is_large else SMALL_ALIGNMENT_BYTES
    return -(-offset // alignment) * alignment


def _path(name: str) -> list[str]:
    """The folders of a name; the last part is the operator's own name."""
    parts = [part for part in name.split("/") if part]
    return parts[:-1]


def _shared_length(paths: Sequence[Sequence[str]]) -> int:
    """How many parts all paths begin with."""
    length = 0
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        length += 1
    return length


def _scope(path: list[str], shared: int) -> list[str]:
    for position in range(shared, len(path)):
        if _NUMBERED.fullmatch(path[position]):
            return path[: position + 1]
    return path[: shared + 1]
