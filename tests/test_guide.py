"""The configuration, the function and the workflow that docs/guide/ci.md shows are what modelpack takes."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import numpy as np

from modelpack.config.read import read_project
from modelpack.graph.metrics.functions import load_function
from tests.support.cases import outputs
from tests.support.cli import ROOT
from tests.support.command_lines import parse
from tests.support.configuration import write_config

GUIDE = (ROOT / "docs" / "guide" / "ci.md").read_text(encoding="utf-8")
MODEL = '[models.minilm]\nsource = "m.onnx"\n'


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def test_guide_configurations_are_read(tmp_path: Path) -> None:
    limits, function = blocks("toml")
    project = read_project(write_config(tmp_path, limits + MODEL), "production")
    assert [limit.quantity for limit in project.models[0].variants[0].budget] == [
        "download",
        "chunks",
        "update",
        "load_time",
    ]
    golden = f'{MODEL}[models.minilm.golden]\nsamples = "g.npz"\n{function}'
    (found,) = read_project(write_config(tmp_path, golden), "production").models
    assert found.golden is not None
    assert found.golden.functions[0].path == tmp_path / "app" / "tools" / "metrics.py"


def test_guide_rows_of_golden_sets_are_read(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `(\w+/)` \| `(preprocess = \{.*?\})`", GUIDE, re.MULTILINE)
    assert [samples for samples, _ in rows] == ["photos/", "speech/", "files/"]
    for samples, preprocess in rows:
        written = preprocess.replace(", …", "")
        text = f'{MODEL}[models.minilm.golden]\nsamples = "{samples}"\n{written}\n'
        (found,) = read_project(write_config(tmp_path, text), "production").models
        assert found.golden is not None
        assert found.golden.preprocess is not None


def test_guide_function_measures(tmp_path: Path) -> None:
    (source,) = blocks("python")
    path = tmp_path / "metrics.py"
    path.write_text(source)
    measure = load_function(path, "python:tools.metrics:overlap", "overlap")
    case = outputs({"mask": [1, 0]}, {"mask": [1, 1]})
    assert np.array_equal(measure.figures([measure.observe(case)]), [0.5])


def test_guide_workflow_calls_commands_that_exist() -> None:
    (workflow,) = blocks("yaml")
    lines = textwrap.dedent(workflow).replace("${{ matrix.app }}", "apps/web").splitlines()
    commands = [
        line.partition("modelpack ")[2]
        for line in lines
        if re.search(r"(run: | {10})modelpack ", line)
    ]
    assert [command.split()[0] for command in commands] == ["build", "report", "report", "report"]
    for command in commands:
        parse(command.partition(" >")[0].replace('"', "").split())


def test_guide_workflow_pins_every_action() -> None:
    (workflow,) = blocks("yaml")
    uses = re.findall(r"uses: (\S+)", workflow)
    assert len(uses) == 4
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action) for action in uses)
