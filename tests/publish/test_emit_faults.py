"""Kills at every change of the file system, and publishers that do not wait for one another."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from modelpack.errors import ModelpackError
from modelpack.publish.check import check_published
from modelpack.publish.emit import publish
from modelpack.publish.folder import chunk_names, generations, read_manifest
from modelpack.store.atomic import PART_PREFIX
from tests.support.kills import dies_at, in_processes
from tests.support.packs import TEXT, Blobs, simple_pack

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


def names(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(PART_PREFIX)
    }


@pytest.mark.parametrize("keep_generations", [0, 1])
def test_publish_killed_at_any_change_leaves_a_whole_pack_and_mends_itself(
    keep_generations: int, tmp_path: Path
) -> None:
    blobs = Blobs()
    start = tmp_path / "start"
    for graph in (b"zero", b"one"):
        publish(simple_pack(blobs, graph), start, blobs, keep_generations)
    new = simple_pack(blobs, b"two", b"three")
    expected = tmp_path / "expected"
    shutil.copytree(start, expected)
    publish(new, expected, blobs, keep_generations)

    change = 1
    while True:
        out = tmp_path / f"out{change}"
        shutil.copytree(start, out)
        has_died = dies_at(change, out, lambda: publish(new, out, blobs, keep_generations))  # noqa: B023
        check_published(out)
        publish(new, out, blobs, keep_generations)
        check_published(out)
        assert names(out) == names(expected)
        if not has_died:
            break
        change += 1
    assert change > 15


def test_publish_by_two_at_once_ends_with_one_whole_pack(tmp_path: Path) -> None:
    blobs = Blobs()
    packs = [simple_pack(blobs, b"one", b"two"), simple_pack(blobs, b"two", b"three")]

    def work(number: int) -> None:
        for _ in range(5):
            publish(packs[number], tmp_path, blobs, 1)

    in_processes(lambda: work(0), lambda: work(1))

    check_published(tmp_path)
    assert len(generations(tmp_path)) == 2


@pytest.mark.parametrize("keep_generations", [0, 1])
def test_publish_by_three_at_once_without_locks_is_whole_after_the_next(
    keep_generations: int, tmp_path: Path
) -> None:
    blobs = Blobs()
    graphs = (b"one", b"two", b"three")
    packs = [simple_pack(blobs, graph, TEXT + graph) for graph in graphs]

    def work(number: int) -> None:
        tempfile.tempdir = "/dev/null"  # no place for a lock file
        for turn in range(6):
            # Without locks one may prune what another is about to name; that is said, and mends itself.
            with suppress(ModelpackError):
                publish(packs[(number + turn) % 3], tmp_path, blobs, keep_generations)

    in_processes(lambda: work(0), lambda: work(1), lambda: work(2))
    publish(packs[0], tmp_path, blobs, keep_generations)

    published = read_manifest(tmp_path)
    assert published is not None
    assert chunk_names(published) <= names(tmp_path)
    check_published(tmp_path)
