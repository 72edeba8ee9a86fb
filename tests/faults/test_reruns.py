"""What runs again and what does not: counted, with real steps."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.support.builds import everything_in_output, published, runs_of_build
from tests.support.onnx_models import mlp, write
from tests.support.projects import Project, change_weights, make_project


@pytest.fixture
def tiny(tmp_path: Path) -> Project:
    project = make_project(tmp_path / "project", "tiny")
    runs_of_build(project)
    return project


def test_reruns_second_build_runs_nothing(tiny: Project) -> None:
    assert runs_of_build(tiny) == {}


def test_reruns_block_size_there_and_back_runs_nothing(tiny: Project) -> None:
    first = everything_in_output(tiny)
    tiny.edit("block_size = 32", "block_size = 64")
    assert set(runs_of_build(tiny)) == {
        "quantize:words@q4",
        "compatibility:words@q4",
        "split:words@q4",
        "compress:words@q4",
    }
    assert everything_in_output(tiny) != first
    tiny.edit("block_size = 64", "block_size = 32")
    assert runs_of_build(tiny) == {}
    assert everything_in_output(tiny) == first


def test_reruns_dtype_there_and_back_runs_nothing(tiny: Project) -> None:
    first = everything_in_output(tiny)
    tiny.edit('q4 = { device = "wasm", block_size = 32 }', "q8 = {}")
    assert set(runs_of_build(tiny)) == {
        "quantize:words@q8",
        "compatibility:words@q8",
        "split:words@q8",
        "compress:words@q8",
    }
    tiny.edit("q8 = {}", 'q4 = { device = "wasm", block_size = 32 }')
    assert runs_of_build(tiny) == {}
    assert everything_in_output(tiny) == first


@pytest.mark.parametrize("times", [(0.0, 0.0), (time.time() + 1e6,) * 2])
def test_reruns_touched_source_runs_nothing(tiny: Project, times: tuple[float, float]) -> None:
    os.utime(tiny.folder / "models" / "words.onnx", times)
    assert runs_of_build(tiny) == {}


def test_reruns_same_size_edit_with_the_old_time_runs(tiny: Project) -> None:
    model = tiny.folder / "models" / "words.onnx"
    status = model.stat()
    change_weights(tiny)
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert model.stat().st_size == status.st_size
    assert "inspect:words" in runs_of_build(tiny)


def test_reruns_source_there_and_back_runs_nothing(tiny: Project) -> None:
    first = everything_in_output(tiny)
    change_weights(tiny)
    assert "quantize:words@q4" in runs_of_build(tiny)
    write(mlp(), tiny.folder / "models" / "words.onnx")
    assert runs_of_build(tiny) == {}
    assert everything_in_output(tiny) == first


def test_reruns_renamed_model_and_source_runs_nothing(tiny: Project) -> None:
    """Names of files and models are in no key."""
    (tiny.folder / "models" / "words.onnx").rename(tiny.folder / "models" / "other.onnx")
    tiny.edit("models/words.onnx", "models/other.onnx")
    tiny.edit("[models.words]", "[models.other]")
    tiny.edit("[models.words.variants]", "[models.other.variants]")
    assert runs_of_build(tiny) == {}


def test_reruns_moved_project_with_its_cache_runs_nothing(tiny: Project, tmp_path: Path) -> None:
    moved = Project(tmp_path / "elsewhere" / "deep")
    moved.folder.parent.mkdir()
    tiny.folder.rename(moved.folder)
    assert runs_of_build(moved) == {}


def test_reruns_without_node_modules_run_nothing(tiny: Project) -> None:
    (tiny.folder / "node_modules" / "left-pad").mkdir(parents=True)
    runs_of_build(tiny)
    shutil.rmtree(tiny.folder / "node_modules")
    assert runs_of_build(tiny) == {}


def test_reruns_without_output_run_nothing(tiny: Project) -> None:
    first = everything_in_output(tiny)
    shutil.rmtree(tiny.output)
    assert runs_of_build(tiny) == {}
    assert everything_in_output(tiny) == first


def test_reruns_one_model_of_ten_runs_only_its_steps(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    text = project.config.read_text()
    for number in range(9):
        write(mlp(), project.folder / "models" / f"m{number}.onnx")
        text += f'\n[models.m{number}]\nsource = "models/m{number}.onnx"\npasses = []\nvariants = {{ fp32 = {{}} }}\n'
    project.config.write_text(text)
    runs_of_build(project)
    change_weights(project, "m4")
    ran = runs_of_build(project)
    assert {name.partition(":")[2].partition("@")[0] for name in ran} == {"m4"}
    assert {name.partition(":")[0] for name in ran} == {
        "inspect",
        "shake",
        "quantize",
        "compatibility",
        "split",
        "compress",
    }


def test_reruns_equal_models_share_their_work(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    write(mlp(), project.folder / "models" / "twin.onnx")
    with project.config.open("a") as config:
        config.write(
            '[models.twin]\nsource = "models/twin.onnx"\npasses = []\nvariants = { fp32 = {} }\n'
        )
    ran = runs_of_build(project)
    assert sum(count for name, count in ran.items() if name.startswith("inspect:")) == 1
    assert sum(count for name, count in ran.items() if name.startswith("shake:")) == 1
    assert len([name for name in published(project) if "/c/" in name]) > 0
