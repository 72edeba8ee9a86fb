"""Companion files of a model (a tokenizer, labels) as parts of chunks."""

from __future__ import annotations

from pathlib import Path

from modelpack.digest import canonical_json, digest_file
from modelpack.graph.chunks import ChunkFolder
from modelpack.planned import AssetsParams
from modelpack.record import FileLayout, Layout, Measurement
from modelpack.steps.contract import OutputFile, StepInput, StepOutput, output_files

# A literal table: `mimetypes` also reads the machine's own lists, so its answers differ between machines.
TYPES = {
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".html": "text/html",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".wasm": "application/wasm",
}
_OTHER_TYPE = "application/octet-stream"


def run(step: StepInput[AssetsParams]) -> StepOutput:
    """The layout of the assets, in the order of their names, and one file for each distinct chunk."""
    chunks = ChunkFolder(step.folder)
    files = tuple(
        _layout(name, path, step.params.chunk_size_bytes, chunks)
        for name, path in zip(step.params.names, step.many("asset"), strict=True)
    )
    layout_path = step.folder / "layout.json"
    layout_path.write_bytes(canonical_json(Layout(files)))
    return StepOutput(
        (OutputFile("layout", layout_path), *output_files("chunk", chunks.paths)),
        (
            Measurement("sizeBytes", sum(file.size_bytes for file in files)),
            Measurement("chunks", len(chunks.paths)),
        ),
    )


def _layout(name: str, path: Path, chunk_size_bytes: int, chunks: ChunkFolder) -> FileLayout:
    parts = chunks.add_file(path, chunk_size_bytes)
    return FileLayout(
        name,
        "asset",
        TYPES.get(path.suffix.lower(), _OTHER_TYPE),
        digest_file(path),
        sum(part.size_bytes for part in parts),
        parts,
    )
