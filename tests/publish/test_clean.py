from __future__ import annotations

from pathlib import Path

from modelpack.publish.clean import published_files
from modelpack.publish.emit import publish
from tests.support.packs import Blobs, simple_pack


def test_published_files_are_all_of_ours_and_none_of_others(tmp_path: Path) -> None:
    blobs = Blobs()
    for graph in (b"one", b"two"):
        publish(simple_pack(blobs, graph), tmp_path, blobs, 1)
    ours = {path for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "index.html").touch()
    (tmp_path / "c" / "notes.txt").touch()

    assert set(published_files(tmp_path)) == ours


def test_published_files_deleted_from_the_front_never_lose_a_record(tmp_path: Path) -> None:
    blobs = Blobs()
    for graph in (b"one", b"two"):
        publish(simple_pack(blobs, graph), tmp_path, blobs, 1)

    while listed := published_files(tmp_path):
        listed[0].unlink()

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_published_files_of_a_web_app_are_none(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "My app"}')

    assert published_files(tmp_path) == ()


def test_published_files_of_a_missing_folder_are_none(tmp_path: Path) -> None:
    assert published_files(tmp_path / "out") == ()
