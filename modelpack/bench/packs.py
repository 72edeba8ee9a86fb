"""Samples and outputs on their way between Python and the page.

A pack is four bytes (the header's length, little-endian), a JSON header, and tensors: `{"state": […], "steps": [[…], …]}`,
where a tensor is `{"name", "type", "dims", "offset", "size"}`. Tensors begin after the header, header and tensors at
multiples of eight bytes. `page/packs.js` is the other end.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import Array
from modelpack.spec.golden import StatePair

_ALIGNMENT = 8
_LENGTH = struct.Struct("<I")
Tensors = Mapping[str, Array]


class _Tensor(Struct, frozen=True):
    name: str
    type: str
    dims: tuple[int, ...]
    offset: int
    size: int


class _Header(Struct, frozen=True):
    state: tuple[_Tensor, ...]
    steps: tuple[tuple[_Tensor, ...], ...]


class Feeds(Struct, frozen=True):
    """A sample as the model is fed it: what state begins with, and what each call gets beside it."""

    state: Tensors
    steps: tuple[Tensors, ...]


def feeds_of(sample: Sample, inputs: Collection[str], state: Sequence[StatePair]) -> Feeds:
    """The sample for a model that has these inputs. Inputs that carry state are fed once."""
    carried = {pair.input for pair in state}
    steps = [
        {name: array for name, array in step.items() if name in inputs} for step in sample.steps()
    ]
    return Feeds(
        {name: array for name, array in steps[0].items() if name in carried},
        tuple({name: step[name] for name in step if name not in carried} for step in steps),
    )


def encode_feeds(feeds: Feeds) -> bytes:
    """The pack. Raises: StepError MP-E804 for strings, which have no bytes of their own."""
    pieces: list[bytes] = []
    header = _Header(
        tuple(_entries(feeds.state, pieces)),
        tuple(tuple(_entries(step, pieces)) for step in feeds.steps),
    )
    written = msgspec.json.encode(header)
    return b"".join((_padded(_LENGTH.pack(len(written)) + written), *pieces))


def decode_feeds(content: bytes) -> Feeds:
    """What `encode_feeds` or the page wrote."""
    (length,) = _LENGTH.unpack_from(content)
    header = msgspec.json.decode(content[_LENGTH.size : _LENGTH.size + length], type=_Header)
    body = memoryview(content)[_aligned(_LENGTH.size + length) :]
    return Feeds(_tensors(header.state, body), tuple(_tensors(step, body) for step in header.steps))


def _entries(tensors: Tensors, pieces: list[bytes]) -> Iterable[_Tensor]:
    for name, array in tensors.items():
        if array.dtype.kind not in "biuf":
            raise StepError(
                "MP-E804",
                f"{name} is {array.dtype.name}",
                where="bench",
                remedy="measure a model whose inputs are numbers",
            )
        content = np.ascontiguousarray(array).tobytes()
        offset = sum(map(len, pieces))
        yield _Tensor(name, array.dtype.name, array.shape, offset, len(content))
        pieces.append(_padded(content))


def _tensors(entries: Iterable[_Tensor], body: memoryview) -> Tensors:
    return {
        one.name: np.frombuffer(body[one.offset : one.offset + one.size], one.type).reshape(
            one.dims
        )
        for one in entries
    }


def _padded(content: bytes) -> bytes:
    return content + bytes(_aligned(len(content)) - len(content))


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
