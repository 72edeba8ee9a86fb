"""Builds that run variants in a real Chromium, with the onnxruntime-web of this checkout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelpack.bench.browsers import choose_browser
from modelpack.bench.places import find_runtime
from modelpack.errors import BenchError
from tests.support.cli import ROOT, Answer, modelpack
from tests.support.onnx_models import write
from tests.support.projects import Project
from tests.support.runtimes import install_runtime

LEFT_OUT = shutil.ignore_patterns("node_modules", ".modelpack", "public", "src")


def build(project: Project, *argv: str) -> Answer:
    return modelpack("build", *argv, "-C", project.folder)


def install_real_runtime(folder: Path, version: str = "") -> None:
    """The package of this checkout in `folder`, perhaps under another version."""
    runtime = find_runtime(ROOT)
    if runtime is None:
        pytest.skip("onnxruntime-web is not installed here")
    try:
        choose_browser("chromium")
    except BenchError as err:
        pytest.skip(str(err))
    package = folder / "node_modules" / "onnxruntime-web"
    package.mkdir(parents=True)
    (package / "dist").symlink_to(runtime.folder)
    content = f'{{"name": "onnxruntime-web", "version": "{version or runtime.version}"}}'
    (package / "package.json").write_text(content)


def model_project(folder: Path, operator: str, domain: str, device: str) -> Project:
    """A project whose only model ends in a node `/last` of that operator."""
    (folder / "models").mkdir(parents=True)
    (folder / ".git").mkdir()
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], "/first"),
            helper.make_node(operator, ["h"], ["y"], "/last", domain=domain),
        ],
        "g",
        [values("x", TensorProto.FLOAT, [2, 8])],
        [values("y", TensorProto.INT64 if operator == "NonZero" else TensorProto.FLOAT, [2, None])],
        [numpy_helper.from_array(np.eye(8, dtype=np.float32), "w")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    write(made, folder / "models" / "m.onnx")
    (folder / "modelpack.toml").write_text(
        '[compatibility]\nbrowser = true\n\n[models.m]\nsource = "models/m.onnx"\npasses = []\n'
        f'variants = {{ it = {{ dtype = "fp32", device = "{device}" }} }}\n'
    )
    return Project(folder)


@pytest.mark.slow
def test_build_of_digits_runs_in_a_browser_once(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "digits", tmp_path / "digits", ignore=LEFT_OUT)
    digits = Project(tmp_path / "digits")
    (digits.folder / ".git").mkdir()
    digits.edit('fp16 = { device = "webgpu", budget = { download = "110 kB" } }\n', "")
    digits.edit("[output]", "[compatibility]\nbrowser = false\n\n[output]")
    install_real_runtime(digits.folder)
    untried = build(digits)
    manifest = (digits.output / "manifest.json").read_bytes()
    digits.edit("browser = false", "browser = true")
    tried, again = build(digits), build(digits, "--json=stream", "--keep-going")
    assert [untried.code, tried.code, again.code] == [0, 0, 0], tried.err
    assert "browser:" not in untried.err
    assert "browser:digits@q8" in tried.err
    assert "browser:digits@fp32" in tried.err
    events = [json.loads(line) for line in again.out.splitlines()]
    states = {event["step"]: event["state"] for event in events if event["event"] == "step"}
    assert (states["browser:digits@q8"], states["browser:digits@fp32"]) == ("cached", "cached")
    assert (digits.output / "manifest.json").read_bytes() == manifest


@pytest.mark.slow
def test_build_of_an_operator_that_wasm_lacks_names_it(tmp_path: Path) -> None:
    # A release that no table speaks for, so that only the browser can tell.
    project = model_project(tmp_path / "project", "ScaledSiLU", "com.microsoft", "wasm")
    install_real_runtime(project.folder, "9.9.9")
    answer = build(project)
    assert answer.code == 4, answer.err
    assert (
        'MP-E454 browser:m@it: is refused at node "/last" (com.microsoft.ScaledSiLU)' in answer.err
    )
    assert not (project.output / "manifest.json").exists()


@pytest.mark.slow
def test_build_of_a_node_that_leaves_the_gpu_names_it_or_takes_a_reason(tmp_path: Path) -> None:
    project = model_project(tmp_path / "project", "NonZero", "", "webgpu")
    install_real_runtime(project.folder, "9.9.9")
    answer = build(project)
    assert answer.code == 4, answer.err
    assert 'MP-E454 browser:m@it: node "/last" (NonZero) silently ran on wasm, not on webgpu' in (
        answer.err
    )
    project.edit(
        'device = "webgpu" }', 'device = "webgpu", accept_fallback = { NonZero = "few" } }'
    )
    assert build(project).code == 0


def test_build_that_must_run_in_a_browser_fails_without_a_runtime(project: Project) -> None:
    project.edit("[output]", "[compatibility]\nbrowser = true\n\n[output]")
    answer = build(project, "words@q8")
    assert answer.code == 1
    assert (
        "MP-E803 compatibility.browser: there is no onnxruntime-web here that a page could load, and every variant "
        'must run in a browser — run `npm install onnxruntime-web`, or write `browser = "auto"` in [compatibility]'
    ) in answer.err
    assert not (project.output / "manifest.json").exists()


def test_build_with_half_a_runtime_says_that_nothing_ran(project: Project) -> None:
    install_runtime(project.folder)
    answer = build(project, "words@q8")
    assert answer.code == 0
    assert (
        "note words: browser: not run in one: there is no onnxruntime-web here that a page could load; run "
        "`npm install onnxruntime-web`, or write `browser = false` in [compatibility]"
    ) in answer.err
