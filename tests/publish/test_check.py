from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.errors import ManifestError
from modelpack.publish.check import CheckedFile, assemble, check_published
from modelpack.publish.emit import publish
from modelpack.publish.folder import read_manifest
from tests.support.damage import one_bit_flipped
from tests.support.packs import TEXT, Blobs, VariantContent, model, pack, simple_pack


def test_check_published_names_every_file_and_reports_each(tmp_path: Path) -> None:
    blobs = Blobs()
    publish(simple_pack(blobs, b"one"), tmp_path, blobs, 1)
    heard: list[CheckedFile] = []

    checked = check_published(tmp_path, heard.append)

    assert tuple(heard) == checked
    assert [file.name for file in checked][-2:] == ["m@v0/model.data", "m@v0/model.onnx"]
    assert len(checked) == 1 + 3 + 2


def test_check_published_damaged_file_is_named(tmp_path: Path) -> None:
    blobs = Blobs()
    publish(simple_pack(blobs, b"one", host="nginx"), tmp_path, blobs, 1)

    for path in sorted((tmp_path / "c").iterdir()):
        content = path.read_bytes()
        path.write_bytes(one_bit_flipped(content))
        with pytest.raises(ManifestError) as caught:
            check_published(tmp_path)
        assert (caught.value.code, caught.value.where) == ("MP-E711", f"c/{path.name}")
        path.write_bytes(content)


def test_check_published_names_everything_that_is_damaged(tmp_path: Path) -> None:
    blobs = Blobs()
    publish(simple_pack(blobs, b"one"), tmp_path, blobs, 1)
    chunks = sorted((tmp_path / "c").iterdir())
    for path in chunks:
        path.write_bytes(one_bit_flipped(path.read_bytes()))

    with pytest.raises(ManifestError) as caught:
        check_published(tmp_path)

    errors = (caught.value, *caught.value.others)
    assert sorted(error.where for error in errors) == [f"c/{path.name}" for path in chunks]


def test_check_published_missing_generation_is_named(tmp_path: Path) -> None:
    blobs = Blobs()
    publish(simple_pack(blobs, b"one"), tmp_path, blobs, 1)
    (generation,) = tmp_path.glob("manifest.*.json")
    generation.unlink()

    with pytest.raises(ManifestError) as caught:
        check_published(tmp_path)

    assert (caught.value.code, caught.value.where) == ("MP-E711", generation.name)


def test_check_published_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="nothing is published here"):
        check_published(tmp_path)


def test_assemble_variant_gives_graph_and_data(tmp_path: Path) -> None:
    blobs = Blobs()
    content = VariantContent("fp32", b"graph", (TEXT, b"tail"))
    publish(pack((model("m", (content,), blobs),), blobs), tmp_path / "out", blobs, 1)
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    (variant,) = manifest.models["m"].variants

    graph = assemble(tmp_path / "out", manifest, variant, tmp_path / "again")

    assert graph == tmp_path / "again" / "model.onnx"
    assert graph.read_bytes() == b"graph"
    assert (tmp_path / "again" / "model.data").read_bytes() == TEXT + bytes(64) + b"tail"
