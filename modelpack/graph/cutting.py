"""Where weights lie in data files, and where chunks begin and end. Pure arithmetic over sizes and names; no bytes.

The rules of cutting (docs/manifest.md says why):

1. A weight of LARGE_WEIGHT_BYTES or more starts its own chunk and is cut every `chunk_size_bytes` from its own start.
2. Smaller weights are packed, in order, with their neighbours: those of the widest scope around them whose small weights
   make up to NEIGHBOURS_BYTES together, or else those of their own scope. A pack has up to PACK_BYTES. Large weights in
   between do not interrupt a pack: a bias and a norm on either side of a matrix share one request.
3. Cuts follow from names and sizes alone. New values move none; a new size moves those of its own scope, and where a
   scope grows past NEIGHBOURS_BYTES, of that many bytes around it.
4. Alignment is between weights of a file, never inside a chunk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from modelpack.units import KIB, MIB

LARGE_WEIGHT_BYTES = (
    256 * KIB
)  # 256 KiB requests, six at a time, cost nothing against one file (docs/manifest.md)
NEIGHBOURS_BYTES = (
    512 * KIB
)  # 17 requests became 8 for silero, 59 became 52 for MiniLM; bounds what one bias re-fetches
PACK_BYTES = 1 * MIB  # the same for scopes that are larger, and for graphs without names
DATA_FILE_BYTES = (
    1 << 30
)  # the next weight starts the next file: browsers refuse much larger buffers
SMALL_ALIGNMENT_BYTES = 64  # a cache line, the widest vector any kernel loads
LARGE_ALIGNMENT_BYTES = (
    4096  # a page, so that a native runtime can map a large weight where it lies
)


class Weight(Struct, frozen=True):
    """A weight to be placed. `scope` is the part of the model that reads it first, outermost name first."""

    name: str
    size_bytes: int
    scope: tuple[str, ...]

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
        *(
            chunk
            for weight in weights
            if weight.is_large
            for chunk in _cut(weight, chunk_size_bytes)
        ),
        *(pack for neighbours in _neighbours(weights) for pack in _packs(neighbours)),
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


def scope_of(consumer: str) -> tuple[str, ...]:
    """The scope in the name of a node: `/encoder/layer.3/MatMul` is in `encoder`, and there in `layer.3`."""
    return tuple(part for part in consumer.split("/") if part)[:-1]


def _cut(weight: Weight, chunk_size_bytes: int) -> Iterator[tuple[Piece, ...]]:
    for offset in range(0, weight.size_bytes, chunk_size_bytes):
        yield (Piece(weight.name, offset, min(chunk_size_bytes, weight.size_bytes - offset)),)


def _neighbours(weights: Sequence[Weight]) -> Iterable[list[Weight]]:
    """The small weights, those that belong together in one list, each in order."""
    small = [weight for weight in weights if not weight.is_large]
    scope_bytes: Counter[tuple[str, ...]] = Counter()
    for weight in small:
        for scope in _scopes_around(weight):
            scope_bytes[scope] += weight.size_bytes
    together: dict[tuple[str, ...], list[Weight]] = {}
    for weight in small:
        around = _scopes_around(weight)
        widest = next((it for it in around if scope_bytes[it] <= NEIGHBOURS_BYTES), weight.scope)
        together.setdefault(widest, []).append(weight)
    return together.values()


def _scopes_around(weight: Weight) -> list[tuple[str, ...]]:
    """The scopes a weight is in, the widest first: the whole model."""
    return [weight.scope[:depth] for depth in range(len(weight.scope) + 1)]


def _packs(neighbours: Sequence[Weight]) -> Iterator[tuple[Piece, ...]]:
    pack: list[Piece] = []
    packed_bytes = 0
    for weight in neighbours:
        if packed_bytes + weight.size_bytes > PACK_BYTES:
            yield tuple(pack)
            pack, packed_bytes = [], 0
        pack.append(Piece(weight.name, 0, weight.size_bytes))
        packed_bytes += weight.size_bytes
    yield tuple(pack)


def _aligned(offset: int, weight: Weight) -> int:
    alignment = LARGE_ALIGNMENT_BYTES if weight.is_large else SMALL_ALIGNMENT_BYTES
    return -(-offset // alignment) * alignment
