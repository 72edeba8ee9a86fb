from __future__ import annotations

import os
from pathlib import Path

from modelpack.serve.snapshot import (
    Watched,
    are_emptied,
    changed_files,
    folders_of,
    has_grown,
    look,
)


def test_look_missing_file_has_no_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    before = look(Watched(frozenset({path})))
    assert before == {path: None}
    path.write_text("x")
    after = look(Watched(frozenset({path})))
    assert changed_files(before, after) == (path,)
    assert has_grown(before, after) == (path,)


def test_look_same_bytes_in_another_file_differ(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_text("x")
    before = look(Watched(frozenset({path})))
    other = tmp_path / "b"
    other.write_text("x")
    os.utime(other, ns=(before[path][1], before[path][1]))  # type: ignore[index, arg-type]
    other.replace(path)
    after = look(Watched(frozenset({path})))
    assert changed_files(before, after) == (path,)
    assert has_grown(before, after) == ()


def test_are_emptied_files_that_are_about_to_be_written(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_text("whole")
    before = look(Watched(frozenset({path})))
    path.write_text("")
    emptied = look(Watched(frozenset({path})))
    assert are_emptied(before, emptied) == (path,)
    assert are_emptied(emptied, emptied) == ()
    path.unlink()
    assert are_emptied(before, look(Watched(frozenset({path})))) == ()


def test_look_folder_in_place_of_a_file_ignores_what_is_put_into_it(tmp_path: Path) -> None:
    watched = Watched(frozenset({tmp_path}))
    before = look(watched)
    (tmp_path / "a").write_text("x")
    assert look(watched) == before


def test_look_tree_sees_files_at_any_depth_and_nothing_hidden(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    watched = Watched(trees=frozenset({tmp_path}))
    before = look(watched)
    (tmp_path / ".hidden").write_text("x")
    assert look(watched) == before
    path = tmp_path / "deep" / "er" / "a.png"
    path.write_text("x")
    after = look(watched)
    assert changed_files(before, after) == (path,)
    path.unlink()
    assert changed_files(after, look(watched)) == (path,)


def test_look_tree_passes_over_what_is_ours(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    watched = Watched(trees=frozenset({tmp_path}), ours=frozenset({packed}))
    before = look(watched)
    (packed / "manifest.json").write_text("{}")
    assert look(watched) == before


def test_look_missing_tree_has_no_mark(tmp_path: Path) -> None:
    tree = tmp_path / "golden"
    assert look(Watched(trees=frozenset({tree}))) == {tree: None}


def test_look_names_see_neighbours_come_and_go(tmp_path: Path) -> None:
    watched = Watched(names=frozenset({tmp_path}), ours=frozenset({tmp_path / "public"}))
    before = look(watched)
    (tmp_path / "public").mkdir()
    assert look(watched) == before
    (tmp_path / "weights.bin").write_text("x")
    assert changed_files(before, look(watched)) == (tmp_path,)


def test_folders_of_missing_folder_are_the_nearest_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "golden" / "a").mkdir(parents=True)
    watched = Watched(
        frozenset({tmp_path / "gone" / "deeper" / "a.onnx"}), frozenset({tmp_path / "golden"})
    )
    assert folders_of(watched, look(watched)) == {tmp_path, tmp_path / "golden"}
    (tmp_path / "golden" / "a" / "b.png").write_text("x")
    assert tmp_path / "golden" / "a" in folders_of(watched, look(watched))
