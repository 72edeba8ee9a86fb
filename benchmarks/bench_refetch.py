"""What a returning visitor fetches again, as a share of a first visit; with one file for each model it is all of it.

Two cases: magika v3_2 replaced by v3_3, two releases that were trained anew (needs `MODELPACK_REAL_MODELS`), and digits with
only its last layer changed.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import numpy_helper
from support import MODELPACK, ROOT, print_table, run, throw_away_project

_CLASSES = 10
_CONFIG = """
[output]
path = "packs"
host = "nginx"

[models.model]
source = "model.onnx"

[models.model.variants]
q8 = { device = "wasm" }
fp16 = { device = "webgpu" }
fp32 = { device = "wasm" }
"""


class _Chunk(msgspec.Struct, frozen=True):
    hash: str
    size: int
    enc: dict[str, int] = {}


class _Data(msgspec.Struct, frozen=True):
    file: str


class _Variant(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    graph: str
    external_data: list[_Data]


class _File(msgspec.Struct, frozen=True):
    parts: list[int | list[int | str]]


class _Model(msgspec.Struct, frozen=True):
    variants: list[_Variant]


class _Manifest(msgspec.Struct, frozen=True):
    chunks: list[_Chunk]
    files: dict[str, _File]
    models: dict[str, _Model]


def main() -> None:
    """Prints the shares of each variant."""
    digits = onnx.load(ROOT / "examples" / "digits" / "models" / "digits.onnx")
    rows = _compare("digits, last layer changed", digits, _with_other_last_layer(digits))
    folder = os.environ.get("MODELPACK_REAL_MODELS")
    if folder:
        before, after = (
            onnx.load(Path(folder) / f"magika_{name}.onnx") for name in ("v3_2", "v3_3")
        )
        rows += _compare("magika v3_2 to v3_3", before, after)
    header = ("what changed", "variant", "first visit", "fetched again", "÷ first visit")
    print_table("bytes on the wire, smallest encoding of each chunk", header, rows)


def _with_other_last_layer(digits: onnx.ModelProto) -> onnx.ModelProto:
    changed = onnx.ModelProto()
    changed.CopyFrom(digits)
    last = next(each for each in changed.graph.initializer if list(each.dims)[1:] == [_CLASSES])
    weights = numpy_helper.to_array(last)
    noise = np.random.default_rng(0).normal(scale=float(weights.std()) / 10, size=weights.shape)
    last.CopyFrom(numpy_helper.from_array(weights + noise.astype(np.float32), last.name))
    return changed


def _compare(what: str, before: onnx.ModelProto, after: onnx.ModelProto) -> list[tuple[str, ...]]:
    known, now = _chunks(before), _chunks(after)
    rows = []
    for variant, sizes in now.items():
        total = sum(sizes.values())
        again = sum(size for name, size in sizes.items() if name not in known[variant])
        rows.append((what, variant, f"{total:,}", f"{again:,}", f"{again / total:.2f}"))
    return rows


def _chunks(model: onnx.ModelProto) -> dict[str, dict[str, int]]:
    """The bytes on the wire of each chunk, by variant."""
    with throw_away_project() as project:
        (project / "modelpack.toml").write_text(_CONFIG)
        onnx.save(model, project / "model.onnx")
        run((*MODELPACK, "build", "-q"), project)
        manifest = msgspec.json.decode(
            (project / "packs" / "manifest.json").read_bytes(), type=_Manifest
        )
    return {
        variant.id: _chunks_of(manifest, variant) for variant in manifest.models["model"].variants
    }


def _chunks_of(manifest: _Manifest, variant: _Variant) -> dict[str, int]:
    names = [variant.graph, *(data.file for data in variant.external_data)]
    parts = [part for name in names for part in manifest.files[name].parts]
    first = [part if isinstance(part, int) else part[0] for part in parts]
    chunks = [manifest.chunks[position] for position in first if isinstance(position, int)]
    return {chunk.hash: min(chunk.size, *chunk.enc.values(), chunk.size) for chunk in chunks}


if __name__ == "__main__":
    main()
