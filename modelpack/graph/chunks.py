"""Files as parts of chunks. A chunk is written once, under its digest; equal chunks are one file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelpack.digest import digest_bytes
from modelpack.record import Part

ZEROS = ""  # in place of a chunk's digest: a run of zero bytes
_BLOCK_BYTES = 1 << 20

Block = bytes | memoryview


class ChunkFolder:
    """The chunk files of one step, in the order they were first written. Holds one chunk in memory at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: dict[str, Path] = {}

    @property
    def paths(self) -> tuple[Path, ...]:
        """One file for each distinct chunk, named by its digest."""
        return tuple(self._paths.values())

    def add(self, blocks: Iterable[Block]) -> str:
        """The digest of the chunk that these blocks make, which is now a file."""
        content = b"".join(blocks)
        digest = digest_bytes(content)
        if digest not in self._paths:
            path = self.folder / f"{digest}.bin"
            path.write_bytes(content)
            self._paths[digest] = path
        return digest

    def add_file(self, path: Path, chunk_size_bytes: int) -> tuple[Part, ...]:
        """The parts of a whole file, cut every `chunk_size_bytes`."""
        parts = []
        with path.open("rb") as stream:
            while content := stream.read(chunk_size_bytes):
                parts.append(Part(self.add((content,)), 0, len(content)))
        return tuple(parts)

    def digest_parts(self, parts: Iterable[Part]) -> str:
        """The SHA-256 of the file that these parts make, from the chunk files themselves."""
        hasher = hashlib.sha256()
        for part in parts:
            for block in self._blocks(part):
                hasher.update(block)
        return hasher.hexdigest()

    def _blocks(self, part: Part) -> Iterator[bytes]:
        if part.chunk == ZEROS:
            yield bytes(part.size_bytes)
            return
        yield from read_range(self._paths[part.chunk], part.offset_bytes, part.size_bytes)


def read_range(path: Path, offset_bytes: int, size_bytes: int) -> Iterator[bytes]:
    """These bytes of the file, in blocks. Plain reads: mapped pages would count as this process's memory."""
    with path.open("rb") as stream:
        stream.seek(offset_bytes)
        left = size_bytes
        while left:
            block = stream.read(min(left, _BLOCK_BYTES))
            if not block:
                raise EOFError(path.name)
            left -= len(block)
            yield block


def joined_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The same bytes in as few parts as possible: slices that follow one another in one chunk become one."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.chunk == part.chunk
            and (part.chunk == ZEROS or last.offset_bytes + last.size_bytes == part.offset_bytes)
        ):
            joined[-1] = Part(last.chunk, last.offset_bytes, last.size_bytes + part.size_bytes)
        else:
            joined.append(part)
    return tuple(joined)
