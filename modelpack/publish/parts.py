"""The three ways a manifest writes a part, read as one."""

from __future__ import annotations

from msgspec import Struct

from modelpack.publish.wire import Manifest, ManifestChunk, ManifestFile, ManifestPart


class Slice(Struct, frozen=True):
    """A run of bytes: of the chunk at position `chunk`, or zeros where it is None."""

    chunk: int | None
    offset_bytes: int
    size_bytes: int


def file_slices(manifest: Manifest, file: ManifestFile) -> tuple[Slice, ...]:
    """The parts of the file, in order."""
    return tuple(read_part(part, manifest.chunks) for part in file.parts)


def read_part(part: ManifestPart, chunks: tuple[ManifestChunk, ...]) -> Slice:
    """The part as a slice. Raises: ValueError if it is none of the three forms or names no chunk."""
    match part:
        case int():
            return Slice(part, 0, _chunk(part, chunks).size)
        case ("z", int(size_bytes)):
            return Slice(None, 0, size_bytes)
        case (int(position), int(offset_bytes), int(size_bytes)):
            _chunk(position, chunks)
            return Slice(position, offset_bytes, size_bytes)
        case _:
            raise ValueError('a part is a chunk, [chunk, offset, length] or ["z", length]')


def _chunk(position: int, chunks: tuple[ManifestChunk, ...]) -> ManifestChunk:
    if position >= len(chunks):
        raise ValueError(f"chunk {position} of {len(chunks)}")
    return chunks[position]
