"""Stored bytes, damaged in every way that a test can afford."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def every_bit_flipped(content: bytes) -> Iterator[bytes]:
    """`content` as often as it has bits, each time with another one flipped."""
    for index in range(len(content)):
        for bit in range(8):
            yield content[:index] + bytes([content[index] ^ (1 << bit)]) + content[index + 1 :]


def every_truncation(content: bytes) -> Iterator[bytes]:
    """`content` cut off after every byte but the last, beginning with nothing."""
    for length in range(len(content)):
        yield content[:length]


def one_bit_flipped(content: bytes) -> bytes:
    """`content` with one bit in the middle flipped."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]


def overwrite(path: Path, content: bytes) -> None:
    """The file holds `content`, written in place: 20 times faster than anew, where a test does it thousands of times."""
    with path.open("r+b") as stream:
        stream.write(content)
        stream.truncate()
