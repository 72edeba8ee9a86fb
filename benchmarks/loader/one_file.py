"""Writes one variant of a pack as a single .onnx with its weights inside: `one_file.py <packs> <model> <variant> <target>`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import onnx


def main() -> None:
    """The same weights in the same formats, for runtimes that know no packs."""
    packs, model_id, variant_id, target = (
        Path(sys.argv[1]),
        sys.argv[2],
        sys.argv[3],
        Path(sys.argv[4]),
    )
    manifest = json.loads((packs / "manifest.json").read_bytes())
    variants = manifest["models"][model_id]["variants"]
    variant = next(each for each in variants if each["id"] == variant_id)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "model.onnx"
        graph.write_bytes(file_bytes(packs, manifest, variant["graph"]))
        for entry in variant["externalData"]:
            (Path(folder) / entry["path"]).write_bytes(file_bytes(packs, manifest, entry["file"]))
        model = onnx.load(graph)
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, target)


def file_bytes(packs: Path, manifest: dict, file_id: str) -> bytes:  # type: ignore[type-arg]
    """The bytes of a file of the pack, from its parts."""
    pieces = []
    for part in manifest["files"][file_id]["parts"]:
        if isinstance(part, list) and part[0] == "z":
            pieces.append(bytes(part[1]))
            continue
        position, offset, length = part if isinstance(part, list) else (part, 0, None)
        chunk = (packs / "c" / f"{manifest['chunks'][position]['hash']}.bin").read_bytes()
        pieces.append(chunk[offset : None if length is None else offset + length])
    return b"".join(pieces)


if __name__ == "__main__":
    main()
