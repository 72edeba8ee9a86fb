"""F12–F14: one flipped bit in any stored file. The next plain build gives what a clean build gives."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.builds import build, everything_in_output
from tests.support.cli import modelpack
from tests.support.damage import one_bit_flipped
from tests.support.projects import Project, make_project

KINDS: dict[str, Callable[[Project], list[Path]]] = {
    "blobs": lambda project: files(project.cache / "v1" / "blobs"),
    "action records": lambda project: files(project.cache / "v1" / "actions"),
    "histories": lambda project: files(project.cache / "v1" / "histories"),
    "stats": lambda project: files(project.cache / "v1" / "stats"),
    "fast-path records": lambda project: files(project.cache / "fast"),
    "published chunks": lambda project: files(project.output / "c"),
    "manifest.json": lambda project: [project.output / "manifest.json"],
    "the generation's manifest": lambda project: list(project.output.glob("manifest.*.json")),
    "the cache's own marks": lambda project: [
        project.cache / "CACHEDIR.TAG",
        project.cache / ".gitignore",
    ],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("built") / "project", "tiny")
    assert build(project).exit_code == 0
    assert modelpack("build", "-C", project.folder).code == 0  # leaves a record for the fast path
    return project


@pytest.fixture(scope="module")
def expected(built: Project) -> dict[str, str]:
    return everything_in_output(built)


def files(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert found
    return found


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()  # blobs are read-only
    path.write_bytes(one_bit_flipped(content))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keeps_fast_path", [True, False])
def test_flipped_bit_in_each_file_of_a_kind_heals(
    tmp_path: Path, built: Project, expected: dict[str, str], kind: str, keeps_fast_path: bool
) -> None:
    for number, path in enumerate(KINDS[kind](built)):
        copy = Project(tmp_path / str(number))
        shutil.copytree(built.folder, copy.folder)
        flip(copy.folder / path.relative_to(built.folder))
        if not keeps_fast_path:
            shutil.rmtree(copy.cache / "fast")
        outcome = build(copy)
        assert outcome.errors == (), path
        assert everything_in_output(copy) == expected, path


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits_in_all_files_of_a_kind_heal(
    tmp_path: Path, built: Project, expected: dict[str, str], kind: str
) -> None:
    copy = Project(tmp_path / "copy")
    shutil.copytree(built.folder, copy.folder)
    for path in KINDS[kind](copy):
        flip(path)
    outcome = build(copy)
    assert outcome.errors == ()
    assert everything_in_output(copy) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits_after_the_output_is_gone_heal(
    tmp_path: Path, built: Project, expected: dict[str, str], kind: str
) -> None:
    """Nothing published hides what the cache gives out."""
    copy = Project(tmp_path / "copy")
    shutil.copytree(built.folder, copy.folder)
    for path in KINDS[kind](copy):
        flip(path)
    shutil.rmtree(copy.output)
    outcome = build(copy)
    assert outcome.errors == ()
    assert everything_in_output(copy) == expected


def test_truncated_blobs_heal(tmp_path: Path, built: Project, expected: dict[str, str]) -> None:
    copy = Project(tmp_path / "copy")
    shutil.copytree(built.folder, copy.folder)
    for path in KINDS["blobs"](copy):
        path.chmod(0o644)
        path.write_bytes(b"")
    shutil.rmtree(copy.output)
    assert build(copy).errors == ()
    assert everything_in_output(copy) == expected
