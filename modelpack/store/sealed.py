"""JSON that knows whether it is whole: `{"layout":1,"sha256":"…","content":…}`.

1. Content is believed only when sealing it again gives the same bytes: a cut, a flipped bit or another layout is never read.
2. Nothing here raises for what a file holds: what cannot be believed or understood is None, "not there".
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TypeVar

import msgspec

from modelpack.digest import digest_bytes
from modelpack.store.regular import open_ours

LAYOUT = 1
_MAXIMUM_BYTES = (
    256 << 20
)  # far above any record; bounds memory when something else lies in its place
_HEADER = b'{"layout":%d,"sha256":"%s","content":'
_HEADER_BYTES = len(_HEADER % (LAYOUT, b"0" * 64))
_ANY_LAYOUT = re.compile(rb'\{"layout":(\d{1,9}),')

T = TypeVar("T")


def seal(content: bytes) -> bytes:
    """The JSON `content` with its layout and digest around it."""
    return _HEADER % (LAYOUT, digest_bytes(content).encode()) + content + b"}"


def unseal(sealed: bytes) -> bytes | None:
    """The content that was sealed, or None if these are not the bytes that `seal` gave."""
    content = sealed[_HEADER_BYTES:-1]
    return content if seal(content) == sealed else None


def is_other_layout(sealed: bytes) -> bool:
    """Whether this was written by a modelpack with another layout, and is not ours to judge."""
    layout = _ANY_LAYOUT.match(sealed)
    return layout is not None and int(layout[1]) != LAYOUT


def read_sealed(path: Path, kind: type[T]) -> T | None:
    """What the sealed file holds, or None if there is nothing to believe or nothing of that kind."""
    try:
        with open_ours(path) as stream:
            if os.fstat(stream.fileno()).st_size > _MAXIMUM_BYTES:
                return None
            sealed = stream.read()
    except OSError:
        return None
    return decode_sealed(sealed, kind)


def decode_sealed(sealed: bytes, kind: type[T]) -> T | None:
    """What these bytes hold, or None if they are not sealed or hold something else."""
    content = unseal(sealed)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
