"""F04, F06, F08, F09: places that cannot be written, are full, are shared, or hold other people's files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelpack.publish.check import check_published
from tests.support.builds import build, everything_in_output, published
from tests.support.cli import (
    TIMEOUT_S,
    Answer,
    command,
    environment_with,
    modelpack,
    modelpack_process,
)
from tests.support.ordinary_user import ordinary_user
from tests.support.processes import left_after, new_mark
from tests.support.projects import make_project


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    project = make_project(tmp_path_factory.mktemp("expected") / "project", "tiny")
    assert build(project).exit_code == 0
    return everything_in_output(project)


# --- places that cannot be written -------------------------------------------------------------------------------


def test_cache_that_is_a_file_costs_a_warning(tmp_path: Path, expected: dict[str, str]) -> None:
    project = make_project(tmp_path / "project", "tiny")
    project.cache.parent.mkdir()
    project.cache.write_text("mine")
    assert build(project).errors == ()
    assert everything_in_output(project) == expected
    assert project.cache.read_text() == "mine"


def test_cache_that_is_a_file_is_said_by_the_command(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    project.cache.parent.mkdir()
    project.cache.write_text("mine")
    answer = modelpack("build", "--dry-run", "-C", project.folder)
    assert answer.code == 0
    assert answer.err == (
        f"warning: the cache {project.cache} cannot be written;"
        " this build reads it and keeps nothing\n"
    )


def test_read_only_cache_still_answers(expected: dict[str, str]) -> None:
    with ordinary_user() as folder:
        project = make_project(folder / "project", "tiny")
        assert build(project).exit_code == 0
        shutil.rmtree(project.output)
        for path in [*project.cache.rglob("*"), project.cache]:
            path.chmod(0o500 if path.is_dir() else 0o400)
        answer = modelpack("build", "-C", project.folder)
        assert answer.code == 0
        assert answer.err.startswith(f"warning: the cache {project.cache} cannot be written")
        assert "6/6" in answer.err
        assert everything_in_output(project) == expected


def test_output_that_cannot_be_written_is_said_before_any_work() -> None:
    with ordinary_user() as folder:
        project = make_project(folder / "project", "tiny")
        project.output.parent.mkdir()
        project.output.parent.chmod(0o500)
        answer = modelpack("build", "-C", project.folder)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err == (
            f"MP-E702 {project.output.parent}: cannot be written"
            " — give your user write permission, or choose another output.path\n"
        )


def test_output_that_is_a_file_is_said_before_any_work(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    project.output.parent.mkdir()
    project.output.write_text("mine")
    answer = modelpack("build", "-C", project.folder)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == (
        f"MP-E702 {project.output}: is a file; expected a folder — choose another output.path\n"
    )
    assert project.output.read_text() == "mine"


def test_source_that_cannot_be_read_is_one_line() -> None:
    with ordinary_user() as folder:
        project = make_project(folder / "project", "tiny")
        (project.folder / "models" / "words.onnx").chmod(0)
        answer = modelpack("build", "-C", project.folder)
        assert (answer.code, answer.out) == (1, "")
        assert "MP-E209 " in answer.err
        assert "Traceback" not in answer.err


# --- full disks --------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, str], None]]:
    """Mounts a file system of the given size at the folder."""
    mounted: list[Path] = []

    def mount(folder: Path, size: str) -> None:
        folder.mkdir(parents=True)
        words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if (
            shutil.which("mount") is None
            or subprocess.run(words, check=False, capture_output=True).returncode
        ):
            pytest.skip("this user may not mount")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["8k", "16k", "24k", "40k"])
def test_full_output_disk_fails_in_one_line_and_leaves_the_old_pack(
    tmp_path: Path, small_disk: Callable[[Path, str], None], size: str
) -> None:
    project = make_project(tmp_path / "project", "pair")
    disk = project.output
    small_disk(disk, size)
    answer = modelpack_process("build", "-C", project.folder)
    assert answer.code == 1, answer.err
    assert "Traceback" not in answer.err
    assert "MP-E702 " in answer.err
    assert "No space left on device" in answer.err
    assert not (disk / "manifest.json").exists()
    assert list(disk.rglob(".part-*")) == []
    subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
    assert modelpack_process("build", "-C", project.folder).code == 0
    check_published(project.output)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["16k", "64k", "128k", "256k"])
def test_full_cache_disk_fails_in_one_line_or_builds_right(
    tmp_path: Path, small_disk: Callable[[Path, str], None], expected: dict[str, str], size: str
) -> None:
    project = make_project(tmp_path / "project", "tiny")
    disk = project.cache
    small_disk(disk, size)
    answer = modelpack_process("build", "-C", project.folder)
    assert answer.code in {0, 1}, answer.err
    assert "Traceback" not in answer.err
    if answer.code:
        assert "MP-E702 " in answer.err
        assert not project.output.exists()
    else:
        assert everything_in_output(project) == expected
    subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
    assert modelpack_process("build", "-C", project.folder).code == 0
    assert everything_in_output(project) == expected


# --- other builds ------------------------------------------------------------------------------------------------


def at_once(*arguments: tuple[str | Path, ...]) -> list[Answer]:
    mark = new_mark()
    running = [
        subprocess.Popen(
            command(*argv),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment_with(**mark),
        )
        for argv in arguments
    ]
    answers = []
    for process in running:
        out, err = process.communicate(timeout=TIMEOUT_S)
        answers.append(Answer(process.returncode, out, err))
    assert left_after(mark) == []
    return answers


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_builds_of_one_project_at_once_all_succeed(
    tmp_path: Path, expected: dict[str, str], count: int
) -> None:
    project = make_project(tmp_path / "project", "tiny")
    answers = at_once(*[("build", "-C", project.folder)] * count)
    assert [answer.code for answer in answers] == [0] * count, answers
    assert everything_in_output(project) == expected
    assert modelpack_process("build", "-C", project.folder).code == 0
    assert everything_in_output(project) == expected


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_builds_into_different_outputs_with_one_cache_all_succeed(
    tmp_path: Path, expected: dict[str, str], count: int
) -> None:
    project = make_project(tmp_path / "project", "tiny")
    text = project.config.read_text()
    configs = [project.folder / f"{number}.toml" for number in range(count)]
    for number, config in enumerate(configs):
        config.write_text(text.replace("public/models", f"public/{number}"))
    answers = at_once(*[("build", "--config", config) for config in configs])
    assert [answer.code for answer in answers] == [0] * count, answers
    for number in range(count):
        output = project.folder / "public" / str(number)
        check_published(output)
        assert sorted(path.name for path in output.rglob("*")) == sorted(
            {Path(name).name for name in expected} | {"c"}
        )


@pytest.mark.slow
def test_build_beside_garbage_collection_and_clean_is_whole_in_the_end(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    project = make_project(tmp_path / "project", "tiny")
    where = ("-C", project.folder)
    answers = at_once(
        ("build", *where), ("cache", "gc", *where), ("cache", "verify", *where), ("build", *where)
    )
    assert [answer.code for answer in answers] == [0] * 4, answers
    assert everything_in_output(project) == expected


# --- other people's files ----------------------------------------------------------------------------------------


def test_foreign_files_survive_build_prune_and_clean(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    foreign = {
        project.output / name: name.encode()
        for name in ("robots.txt", "c/mine.bin", "manifest.0123456789abcdef.json", "sub/x.json")
    }
    for path, content in foreign.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert build(project).exit_code == 0
    project.edit("block_size = 32", "block_size = 64")
    assert build(project).exit_code == 0  # keeps no older generation, so that this one prunes
    check_published(project.output)
    assert modelpack("clean", "-C", project.folder).code == 0
    assert {path: path.read_bytes() for path in foreign} == foreign
    left = {path for path in project.output.rglob("*") if path.is_file()}
    assert left == set(foreign)


def test_foreign_manifest_is_refused_before_any_work(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    project.output.mkdir(parents=True)
    (project.output / "manifest.json").write_text('{"name": "my web app"}')
    answer = modelpack("build", "-C", project.folder)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(
        "MP-E702 manifest.json: it exists and is not a manifest of modelpack"
    )
    assert (project.output / "manifest.json").read_text() == '{"name": "my web app"}'


def test_link_in_place_of_a_chunk_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    assert build(project).exit_code == 0
    before = published(project)
    chunk = next((project.output / "c").iterdir())
    target = tmp_path / "elsewhere"
    chunk.rename(target)
    content = target.read_bytes()
    chunk.symlink_to(target)
    assert build(project).errors == ()
    assert not chunk.is_symlink()
    assert published(project) == before
    assert target.read_bytes() == content


def test_nothing_outside_output_cache_and_types_is_written(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "pair")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert build(project).exit_code == 0
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    new = {path for path in after if before.get(path) != after[path]}
    allowed = (project.output, project.cache, project.folder / "src" / "models.d.ts")
    allowed += (
        project.folder / "modelpack.stats.json",
    )  # what was measured: the project has a golden set
    assert [path for path in new if not any(path.is_relative_to(place) for place in allowed)] == []
    assert os.environ.get("MODELPACK_DEBUG") is None
