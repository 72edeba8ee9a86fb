"""F16: sources that change while a build reads them. Nothing is published or remembered under a wrong name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelpack.cli.fast import record_for
from modelpack.engine.build import Request, build_project
from modelpack.engine.fastpath import remember
from modelpack.engine.worker import Call
from modelpack.store.store import open_store
from tests.support.builds import build, everything_in_output
from tests.support.cli import modelpack
from tests.support.fakes import InlineWorkers
from tests.support.projects import Project, change_weights, make_project


class EditingWorkers(InlineWorkers):
    """Real steps; before each step named in `edits`, somebody edits the project, once or always."""

    def __init__(self, step: str, edit: Callable[[], None], *, times: int = 1) -> None:
        super().__init__()
        self.step = step
        self.edit = edit
        self.times = times

    def run(self, call: Call, timeout_s: float) -> object:
        if call.label == self.step and self.times:
            self.times -= 1
            self.edit()
        return super().run(call, timeout_s)


def clean_build(folder: Path, *, is_changed: bool) -> dict[str, str]:
    project = make_project(folder, "tiny")
    if is_changed:
        change_weights(project)
    build(project)
    return everything_in_output(project)


def test_source_edited_between_two_readers_starts_over(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    workers = EditingWorkers("inspect:words", lambda: change_weights(project))
    outcome = build(project, workers=workers)
    assert outcome.errors == ()
    assert workers.runs["inspect:words"] == 2
    assert everything_in_output(project) == clean_build(tmp_path / "clean", is_changed=True)


def test_source_edited_after_its_last_reader_gives_the_old_pack_then_the_new(
    tmp_path: Path,
) -> None:
    project = make_project(tmp_path / "project", "tiny")
    workers = EditingWorkers("split:words@q4", lambda: change_weights(project))
    assert build(project, workers=workers).errors == ()
    assert everything_in_output(project) == clean_build(tmp_path / "old", is_changed=False)
    assert build(project).errors == ()
    assert everything_in_output(project) == clean_build(tmp_path / "new", is_changed=True)


def test_source_that_never_rests_fails_in_one_line_and_publishes_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    model = project.folder / "models" / "words.onnx"

    def grow() -> None:
        model.write_bytes(model.read_bytes() + b"\x82\x01\x00")

    outcome = build(project, workers=EditingWorkers("inspect:words", grow, times=99))
    assert outcome.exit_code == 1
    assert [error.code for error in outcome.errors] == ["MP-E230"]
    assert not project.output.exists()


def test_source_removed_meanwhile_fails_in_one_line(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    model = project.folder / "models" / "words.onnx"
    outcome = build(project, workers=EditingWorkers("inspect:words", model.unlink))
    assert outcome.exit_code == 1
    assert [error.code for error in outcome.errors] == ["MP-E201"]
    assert not project.output.exists()


def remembered_build(project: Project, edit: Callable[[], None]) -> None:
    """A build with `edit` before its last step, remembered as `modelpack build` does."""
    argv = ("build", "-C", str(project.folder))
    declared = project.declared()
    with open_store(declared.cache.directory, "modelpack.toml") as store:
        request = Request(declared, declared, on_wait=lambda _: None)
        workers = EditingWorkers("split:words@q4", edit)
        outcome = build_project(request, store, workers, lambda _: None)
    texts = {"said": "nothing changed\n", "report": "", "form": ""}
    remember(record_for(argv, project.config), outcome.written, (), texts, read=outcome.read)


def test_source_edited_during_a_build_is_not_taken_for_unchanged(tmp_path: Path) -> None:
    """The fast path compares with what the build read, not with what lay there at its end."""
    project = make_project(tmp_path / "project", "tiny")
    remembered_build(project, lambda: change_weights(project))
    answer = modelpack("build", "-C", project.folder, "--dry-run")
    assert "inspect:words  run" in " ".join(answer.out.split("\n")[1].split()).replace(
        " run", "  run"
    )
    assert list((project.cache / "fast").glob("*.json")) == []


def test_source_left_alone_is_taken_for_unchanged(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    remembered_build(project, lambda: None)
    assert modelpack("build", "-C", project.folder).err == "nothing changed\n"
