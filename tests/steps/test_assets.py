from __future__ import annotations

from pathlib import Path

from modelpack.digest import digest_bytes
from modelpack.planned import AssetsParams
from modelpack.record import Part
from modelpack.steps import assets
from modelpack.steps.contract import InputFiles, StepInput, StepOutput
from tests.support.assembled import assembled, chunk_files, layout_of


def run_assets(
    folder: Path, files: dict[str, tuple[str, bytes]], chunk_size_bytes: int
) -> StepOutput:
    scratch = folder / "scratch"
    scratch.mkdir()
    paths = []
    for name, (file, content) in files.items():
        path = folder / file
        path.write_bytes(content)
        paths.append(path)
        assert name
    params = AssetsParams(tuple(files), chunk_size_bytes)
    return assets.run(StepInput(params, (InputFiles("asset", tuple(paths)),), scratch))


def test_assets_keep_names_order_and_types(tmp_path: Path) -> None:
    files = {
        "tokenizer": ("b.JSON", b"{}"),
        "labels": ("a.txt", b"cat\ndog\n"),
        "merges": ("merges", b"x"),
    }

    layout = layout_of(run_assets(tmp_path, files, 1024))

    assert [(file.path, file.role, file.type) for file in layout.files] == [
        ("tokenizer", "asset", "application/json"),
        ("labels", "asset", "text/plain"),
        ("merges", "asset", "application/octet-stream"),
    ]


def test_assets_larger_than_a_chunk_are_cut(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10

    output = run_assets(tmp_path, {"table": ("table.bin", content)}, 1024)

    (file,) = layout_of(output).files
    assert [part.size_bytes for part in file.parts] == [1024, 1024, 512]
    assert assembled(file, chunk_files(output)) == content
    assert file.digest == digest_bytes(content)


def test_assets_equal_content_is_one_chunk(tmp_path: Path) -> None:
    output = run_assets(tmp_path, {"one": ("1.txt", b"same"), "two": ("2.txt", b"same")}, 1024)

    first, second = layout_of(output).files
    assert first.parts == second.parts == (Part(digest_bytes(b"same"), 0, 4),)
    assert len(chunk_files(output)) == 1


def test_assets_empty_file_has_no_parts(tmp_path: Path) -> None:
    output = run_assets(tmp_path, {"empty": ("empty.txt", b"")}, 1024)

    (file,) = layout_of(output).files
    assert (file.parts, file.size_bytes, chunk_files(output)) == ((), 0, {})
