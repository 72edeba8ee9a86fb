"""What a command does not need, it does not load: start-up is what people feel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modelpack.engine.workers import ProcessWorkers
from tests.support.builds import warm
from tests.support.checkpoints import make_checkpoint
from tests.support.cli import environment_with, modelpack
from tests.support.exports import Exporter, needs_export
from tests.support.projects import Project, make_project

HEAVY = ("onnx", "onnx_ir", "onnxruntime", "onnxsim", "numpy", "torch", "huggingface_hub")
PROGRAM = """
import io, json, sys
from modelpack.cli.main import run
code = run(sys.argv[1:], io.StringIO(), io.StringIO())
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""

EXPORTERS = {"torch", "transformers", "optimum", "accelerate", "safetensors"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("imports") / "project", "tiny")
    warm(made)
    assert modelpack("build", "-C", made.folder).code == 0
    return made


def loaded(*argv: str | Path) -> set[str]:
    return answered(PROGRAM, *argv)


def answered(program: str, *argv: str | Path) -> set[str]:
    finished = subprocess.run(
        [sys.executable, "-c", program, *map(str, argv)],
        check=True,
        capture_output=True,
        text=True,
        timeout=180,
        env=environment_with(),
    )
    code, names = json.loads(finished.stdout)
    assert code == 0
    return set(names)


def test_imports_of_a_build_with_nothing_to_do_are_next_to_none(project: Project) -> None:
    names = loaded("build", "-C", project.folder)
    unwanted = {"doit", "msgspec", "rich", "pebble", "argparse", "tomllib", "tomli", *HEAVY}
    assert sorted(names & unwanted) == []


def test_imports_of_a_cached_build_leave_the_libraries_to_workers(
    project: Project, tmp_path: Path
) -> None:
    copy = Project(shutil.copytree(project.folder, tmp_path / "copy"))
    names = loaded("build", "-C", copy.folder)
    assert "doit" in names
    assert sorted(names & {"rich", *HEAVY}) == []


@pytest.mark.parametrize("command", ["list", "graph", "clean"])
def test_imports_of_short_commands_hold_nothing_heavy(
    project: Project, tmp_path: Path, command: str
) -> None:
    copy = Project(shutil.copytree(project.folder, tmp_path / "copy"))
    assert sorted(loaded(command, "-C", copy.folder) & {"doit", "pebble", "rich", *HEAVY}) == []


@pytest.mark.parametrize(
    "argv",
    [["list"], ["graph"], ["build", "--dry-run"], ["why", "export:bert"]],
    ids=lambda argv: argv[0],
)
def test_imports_of_commands_over_a_checkpoint_hold_no_torch(
    tmp_path: Path, argv: list[str]
) -> None:
    make_checkpoint(tmp_path / "bert")
    (tmp_path / ".git").mkdir()
    (tmp_path / "modelpack.toml").write_text('[models.bert]\nsource = "bert"\n')
    assert sorted(loaded(*argv, "-C", tmp_path) & {*HEAVY, *EXPORTERS}) == []


@pytest.mark.export
@needs_export
def test_imports_of_a_build_that_exports_leave_torch_to_a_worker(tmp_path: Path) -> None:
    exporter = Exporter(ProcessWorkers(1), tmp_path)
    try:
        exporter.checkpoint("bert")
    finally:
        exporter.workers.stop()
    (tmp_path / ".git").mkdir()
    (tmp_path / "modelpack.toml").write_text('[models.bert]\nsource = "bert"\n')
    assert sorted(loaded("build", "-C", tmp_path) & {*HEAVY, *EXPORTERS}) == []
    (tmp_path / "public" / "models" / "manifest.json").unlink()
    assert sorted(loaded("build", "-C", tmp_path) & {*HEAVY, *EXPORTERS}) == []  # all of it cached
    for command in ("lock", "check", "verify", "report", "doctor"):
        assert sorted(loaded(command, "-C", tmp_path) & {*HEAVY, *EXPORTERS}) == []
    copy = (
        tmp_path / "copy"
    )  # of a checkpoint that is built already: `add` finds its export in the cache
    shutil.copytree(tmp_path / "bert", copy / "bert")
    (copy / "modelpack.toml").write_text("")
    assert sorted(loaded("add", copy / "bert", "-C", copy) & EXPORTERS) == []


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["list", "--help"]])
def test_imports_of_help_hold_no_scheduler(argv: list[str]) -> None:
    assert sorted(loaded(*argv) & {"doit", "pebble", "rich", *HEAVY}) == []


def test_imports_of_what_remembers_runs_in_a_browser_are_light() -> None:
    program = (
        "import json, sys, modelpack.bench.trial.trials\n"
        'print(json.dumps([0, sorted({name.partition(".")[0] for name in sys.modules})]))'
    )
    assert sorted(answered(program) & {"playwright", "websockets", *HEAVY}) == []
