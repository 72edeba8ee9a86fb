"""JSON that knows whether it is whole: `{"layout":1,"sha256":"…","content":…}`.

1. Content is believed only when sealing it again gives the same bytes: a cut, a flipped bit or another layout is never read.
2. Nothing here raises for what a file holds: what cannot be believed is None, "not there".
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from modelpack.store.regular import open_regular

LAYOUT = 1
_MAXIMUM_BYTES = (
    256 << 20
)  # far above any record; bounds memory when something else lies in its place


class _Envelope(Struct, frozen=True):
    layout: int
    sha256: str
    content: Raw


def seal(content: bytes) -> bytes:
    """The JSON `content` with its layout and digest around it."""
    digest = hashlib.sha256(content).hexdigest()
    return b'{"layout":%d,"sha256":"%s","content":%s}' % (LAYOUT, digest.encode(), content)


def unseal(sealed: bytes) -> bytes | None:
    """The content that was sealed, or None if these are not the bytes that `seal` gave."""
    try:
        content = bytes(msgspec.json.decode(sealed, type=_Envelope).content)
    except (msgspec.DecodeError, RecursionError):
        return None
    return content if seal(content) == sealed else None


def is_other_layout(sealed: bytes) -> bool:
    """Whether this is the JSON of another modelpack's layout, which is not ours to judge."""
    try:
        return msgspec.json.decode(sealed, type=_Envelope).layout != LAYOUT
    except (msgspec.DecodeError, RecursionError):
        return False


def read_sealed(path: Path) -> bytes | None:
    """The sealed content of the file, or None if there is none to believe."""
    try:
        with open_regular(path) as stream:
            if os.fstat(stream.fileno()).st_size > _MAXIMUM_BYTES:
                return None
            return unseal(stream.read())
    except OSError:
        return None
