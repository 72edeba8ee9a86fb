"""W01 to W08 and W13: whatever happens to files and events, the last state is what gets published, and only once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from modelpack.publish.check import check_published
from modelpack.serve.hints import SystemHints
from modelpack.serve.watch import Pace
from tests.support.builds import build, everything_in_output
from tests.support.onnx_models import mlp, write, write_external_model
from tests.support.projects import Project, change_weights
from tests.support.watches import FAST, GatedWorkers, SilentHints, watching


def clean(project: Project, tmp_path: Path) -> dict[str, str]:
    """What a build of the project from nothing publishes."""
    copy = Project(shutil.copytree(project.folder, tmp_path / "clean"))
    for made in (copy.output, copy.cache):
        shutil.rmtree(made, ignore_errors=True)
    assert build(copy, mode="development").exit_code == 0
    return everything_in_output(copy)


@pytest.mark.parametrize("events", ["by the system", "lost"])
def test_watch_changed_model_is_published_again(
    project: Project, tmp_path: Path, events: str
) -> None:
    # W01, W13: with events lost, or never sent, it takes a look longer.
    hints = SystemHints() if events == "by the system" else SilentHints()
    with watching(project, hints) as told:
        told.rested(1)
        change_weights(project)
        told.rested(2)
    assert [report.status for report in told.reports] == ["unchanged", "built"]
    assert told.builds == [(), ("models/words.onnx",)]
    assert everything_in_output(project) == clean(project, tmp_path)


def test_watch_system_without_events_looks_and_says_so(project: Project) -> None:
    # W02
    with watching(project, SilentHints("the system sends no events (no space left)")) as told:
        told.rested(1)
        change_weights(project)
        told.rested(2)
    assert told.notes == [
        "the system sends no events (no space left); looking every 0.05 s instead"
    ]
    assert told.reports[-1].status == "built"


def test_watch_replaced_file_is_one_build(project: Project) -> None:
    # W03: what editors do, and twice at once.
    model = project.folder / "models" / "words.onnx"
    change_weights(project, "other")
    beside = model.with_name("other.onnx")
    with watching(project, SystemHints()) as told:
        told.rested(1)
        shutil.copy(model, model.with_name("words.onnx~"))
        model.with_name("words.onnx~").replace(model)
        beside.replace(model)
        told.rested(2)
    assert [report.status for report in told.reports] == ["unchanged", "built"]


@pytest.mark.parametrize("touch", ["times", "mode"])
def test_watch_touched_file_changes_nothing(project: Project, touch: str) -> None:
    # W03
    model = project.folder / "models" / "words.onnx"
    before = everything_in_output(project)
    with watching(project) as told:
        told.rested(1)
        if touch == "times":
            os.utime(model)
        else:
            model.chmod(0o600)
        told.rested(2)
    assert [report.status for report in told.reports] == ["unchanged", "unchanged"]
    assert everything_in_output(project) == before


def test_watch_growing_file_is_waited_for(project: Project) -> None:
    model = project.folder / "models" / "words.onnx"
    change_weights(project, "whole")
    content = model.with_name("whole.onnx").read_bytes()
    with watching(project, pace=Pace(0.02, 1.0, 0.05, 0.05, 0.2)) as told:
        told.rested(1)
        with model.open("wb") as stream:
            for begin in range(0, len(content), 4096):
                stream.write(content[begin : begin + 4096])
                stream.flush()
        told.rested(2)
    assert told.troubles == []
    assert [report.errors for report in told.reports] == [(), ()]


@pytest.mark.slow
def test_watch_half_a_file_is_not_built(project: Project) -> None:
    model = project.folder / "models" / "words.onnx"
    change_weights(project, "whole")
    content = model.with_name("whole.onnx").read_bytes()
    with watching(project, pace=Pace(0.02, 5.0, 0.05, 0.05, 0.0)) as told:
        told.rested(1)
        with model.open("wb") as stream:
            told.wait(lambda: bool(told.notes))
            stream.write(content)
        told.rested(2)
    assert told.notes[0] == "waiting until words.onnx is complete"
    assert [report.status for report in told.reports] == ["unchanged", "built"]


def test_watch_change_during_a_build_lets_the_last_state_win(
    project: Project, tmp_path: Path
) -> None:
    # W04
    workers = GatedWorkers()
    with watching(project, workers=workers) as told:
        told.rested(1)
        workers.gate.clear()
        change_weights(project)
        assert workers.arrived.wait(60)
        project.edit("block_size = 32", "block_size = 64")  # a step runs already: it is ended
        told.wait(lambda: len(told.builds) == 3)
        workers.gate.set()
        told.rested(2)
    assert workers.cancelled >= 1
    assert [report.status for report in told.reports] == ["unchanged", "built"]
    assert everything_in_output(project) == clean(project, tmp_path)


@pytest.mark.slow
def test_watch_checkout_of_ten_thousand_files_during_a_build(
    project: Project, tmp_path: Path
) -> None:
    # W01, W04: more events than the queue of the system holds (16384).
    workers = GatedWorkers()
    with watching(project, SystemHints(), workers) as told:
        told.rested(1)
        workers.gate.clear()
        change_weights(project)
        assert workers.arrived.wait(60)
        for number in range(10_000):
            (project.folder / "models" / f"{number}.txt").write_text("x")
        write(mlp(), project.folder / "models" / "words.onnx")
        project.edit("block_size = 32", "block_size = 64")
        workers.gate.set()
        told.wait(lambda: bool(told.reports[1:]))
        told.rested(2)
    assert everything_in_output(project) == clean(project, tmp_path)


def test_watch_deleted_folder_fails_and_comes_back(project: Project) -> None:
    # W05
    models, aside = project.folder / "models", project.folder / "aside"
    before = everything_in_output(project)
    with watching(project, SystemHints()) as told:
        told.rested(1)
        models.rename(aside)
        told.rested(2)
        assert "no such file" in told.reports[-1].errors[0]
        assert everything_in_output(project) == before
        aside.rename(models)
        told.rested(3)
        change_weights(project)  # the folder is another one now, and watched all the same
        told.rested(4)
    assert [report.status for report in told.reports[2:]] == ["unchanged", "built"]


def test_watch_source_that_is_not_there_is_told_and_waited_for(project: Project) -> None:
    model = project.folder / "models" / "words.onnx"
    with watching(project) as told:
        told.rested(1)
        project.edit("models/words.onnx", "models/gone.onnx")  # the old file is no longer watched
        told.rested(2)
        assert "no such file" in told.reports[-1].errors[0]
        shutil.copy(model, model.with_name("gone.onnx"))
        told.rested(3)
    assert [report.status for report in told.reports] == ["unchanged", "failed", "unchanged"]


def test_watch_deleted_configuration_is_waited_for(project: Project) -> None:
    # W05
    text = project.config.read_text()
    with watching(project) as told:
        told.rested(1)
        project.config.unlink()
        told.rested(2)
        project.config.write_text(text)
        told.rested(3)
    assert len(told.troubles) == 1
    assert told.troubles[0].startswith("MP-E103 modelpack.toml: the file cannot be read")
    assert [report.status for report in told.reports] == ["unchanged", "unchanged"]


def test_watch_deleted_cache_and_output_are_made_again(project: Project) -> None:
    # W05
    before = everything_in_output(project)
    with watching(project) as told:
        told.rested(1)
        shutil.rmtree(project.cache)
        shutil.rmtree(project.output)
        told.rested(2)
    assert everything_in_output(project) == before


def test_watch_broken_configuration_keeps_what_is_published_and_recovers(project: Project) -> None:
    # W06
    before = everything_in_output(project)
    with watching(project) as told:
        told.rested(1)
        project.edit("block_size = 32", "block_size = ")
        told.rested(2)
        assert everything_in_output(project) == before
        project.edit("block_size = ", "block_size = 64")
        told.rested(3)
    assert len(told.troubles) == 1
    assert told.troubles[0].startswith("MP-E110 modelpack.toml:")
    assert [report.status for report in told.reports] == ["unchanged", "built"]


def test_watch_broken_configuration_at_the_start_is_waited_for(project: Project) -> None:
    project.edit("passes = []", "passes = [")
    with watching(project) as told:
        told.rested(1)
        project.edit("passes = [", "passes = []")
        told.rested(2)
    assert [report.status for report in told.reports] == ["unchanged"]


def test_watch_output_inside_the_watched_folder_does_not_start_builds(project: Project) -> None:
    # W07
    project.edit('path = "public/models"', 'path = "models/packed"')
    with watching(project, SystemHints()) as told:
        told.rested(1)
        change_weights(project)
        told.rested(2)
        project.edit("block_size = 32", "block_size = 64")
        told.rested(3)
    assert told.builds == [(), ("models/words.onnx",), ("modelpack.toml",)]


def test_watch_samples_that_hold_the_output_do_not_start_builds(project: Project) -> None:
    # W07: the tree of a golden set is watched as a whole.
    project.edit(
        "[models.words.variants]",
        '[models.words.golden]\nsamples = "golden/"\npreprocess = { kind = "raw", first = 32 }\n'
        "[models.words.variants]",
    )
    project.edit('path = "public/models"', 'path = "golden/packed"')
    with watching(project) as told:
        told.rested(1)
        assert told.reports[-1].errors == ()
        project.edit("block_size = 32", "block_size = 64")
        told.rested(2)
    assert told.builds == [(), ("modelpack.toml",)]


@pytest.mark.parametrize("time_s", [0, 4_000_000_000])
def test_watch_file_of_another_time_is_noticed(project: Project, time_s: int) -> None:
    # W08: a clock that jumps, and an old file that is copied over the new one.
    model = project.folder / "models" / "words.onnx"
    with watching(project) as told:
        told.rested(1)
        change_weights(project)
        os.utime(model, (time_s, time_s))
        told.rested(2)
    assert told.reports[-1].status == "built"


def test_watch_file_that_a_failed_build_missed_is_enough(project: Project) -> None:
    data = project.folder / "models" / "labels.json"
    content = data.read_bytes()
    data.unlink()
    project.edit("passes = []", 'passes = []\nassets = { labels = "models/labels.json" }')
    with watching(project, SystemHints()) as told:
        told.rested(1)
        data.write_bytes(content)
        told.rested(2)
    assert [report.status for report in told.reports] == ["failed", "built"]
    check_published(project.output)


def test_watch_neighbour_that_nobody_named_is_enough_after_a_failure(project: Project) -> None:
    # The data of a model lies beside it, and only the model says where.
    model = write_external_model(project.folder / "models")
    data = project.folder / "models" / "weights.bin"
    content = data.read_bytes()
    data.unlink()
    project.edit("models/words.onnx", f"models/{model.name}")
    with watching(project, SystemHints()) as told:
        told.rested(1)
        data.write_bytes(content)
        told.rested(2)
    assert [report.status for report in told.reports] == ["failed", "built"]


def test_watch_watches_folders_and_no_file(project: Project) -> None:
    hints = SilentHints()
    with watching(project, hints) as told:
        told.rested(1)
    assert hints.folders == [frozenset({project.folder, project.folder / "models"})]


def test_pace_is_gentle_by_default() -> None:
    assert Pace().look_s >= 1
    assert FAST.look_s < Pace().look_s
