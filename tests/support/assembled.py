"""Files put together again from a layout and its chunk files, the plain way."""

from __future__ import annotations

from pathlib import Path

import msgspec

from modelpack.record import FileLayout, Layout
from modelpack.steps.contract import StepOutput


def layout_of(output: StepOutput) -> Layout:
    """The layout a step gave."""
    (path,) = (file.path for file in output.files if file.role == "layout")
    return msgspec.json.decode(path.read_bytes(), type=Layout)


def chunk_files(output: StepOutput) -> dict[str, bytes]:
    """The content of each chunk file, by its digest."""
    return {file.path.stem: file.path.read_bytes() for file in output.files if file.role == "chunk"}


def assembled(file: FileLayout, chunks: dict[str, bytes]) -> bytes:
    """The bytes of the file."""
    return b"".join(
        chunks[part.chunk][part.offset_bytes : part.offset_bytes + part.size_bytes]
        if part.chunk
        else bytes(part.size_bytes)
        for part in file.parts
    )


def assemble_into(folder: Path, output: StepOutput) -> Path:
    """The first file of the layout, with the others beside it."""
    layout, chunks = layout_of(output), chunk_files(output)
    folder.mkdir(parents=True, exist_ok=True)
    for file in layout.files:
        (folder / file.path).write_bytes(assembled(file, chunks))
    return folder / layout.files[0].path
