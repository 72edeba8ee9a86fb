from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.support.checkpoints import make_checkpoint
from tests.support.cli import modelpack
from tests.support.onnx_models import mlp, model, tensor, value, weights_like, write

BEFORE = """\
# Ours.
[output]
path = "out"   # not public/

[models.old]   # the first one
source = "old.onnx"
variants.fp32 = {}
# The end."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "project"
    (made / "models").mkdir(parents=True)
    (made / ".git").mkdir()
    write(mlp(), made / "old.onnx")
    write(mlp(), made / "models" / "Words v2.onnx")
    monkeypatch.chdir(made)
    return made


def config(folder: Path) -> str:
    return (folder / "modelpack.toml").read_text()


def test_add_appends_the_model_builds_it_and_sets_its_budget(folder: Path) -> None:
    (folder / "modelpack.toml").write_text(BEFORE)
    answer = modelpack("add", "models/Words v2.onnx")
    assert answer.code == 0, answer.err
    assert config(folder) == (
        f"{BEFORE}\n\n"
        '[models.words-v2]\nsource = "models/Words v2.onnx"\n\n'
        '[models.words-v2.variants]\nfp32 = { budget = { download = "20 kB" } }\n'
    )
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert list(manifest["models"]) == ["words-v2"]
    assert modelpack("build").code == 0


def test_add_without_a_configuration_writes_one_and_paths_are_those_of_the_shell(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert modelpack("add", "--no-build", "old.onnx", "--name", "words").code == 0
    assert '[models.words]\nsource = "old.onnx"\n' in config(folder)
    monkeypatch.chdir(folder / "models")
    assert modelpack("add", "--no-build", "Words v2.onnx").code == 0
    assert 'source = "models/Words v2.onnx"' in config(folder)


def large(operator: str, *, outputs: int = 1) -> onnx.ModelProto:
    """`x` float32 [1, 2304] → `y`: a product with 21 MB of weights, then that operator, of which webgpu has no kernel."""
    weight = np.tile(weights_like(0, 64, 2304), (36, 1))
    names = ["z", "at"][:outputs]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "/product"),
        helper.make_node(operator, ["h"], names, "/last"),
        helper.make_node("Cast", ["z"], ["y"], "/cast", to=TensorProto.FLOAT),
    ]
    x, y = value("x", [1, 2304]), value("y", [None, None])
    return model(nodes, [x], [y], [tensor("w", weight)])


def test_add_of_a_model_with_nodes_that_webgpu_lacks_accepts_just_those(folder: Path) -> None:
    write(large("IsNaN"), folder / "large.onnx")
    answer = modelpack("add", "large.onnx")
    assert answer.code == 0, answer.err
    assert (
        "# webgpu has no kernel for IsNaN as this model uses it: wasm runs those nodes, and each inference\n"
        "# waits for copies. Compare it with the others by `modelpack bench`, or remove it.\n"
        'fp16 = { accept_fallback = { IsNaN = "accepted by modelpack add" }, budget = {'
    ) in config(folder)
    assert "fp16 leaves IsNaN to wasm" in answer.err
    again = modelpack("build")
    assert again.code == 0, again.err


def test_add_of_a_model_that_webgpu_runs_accepts_nothing(folder: Path) -> None:
    write(large("Relu"), folder / "large.onnx")
    assert modelpack("add", "large.onnx").code == 0
    assert "fp16 = { budget = {" in config(folder)
    assert "#" not in config(folder).partition("[models.large]")[2]


def test_add_without_a_build_accepts_what_may_be_missing_and_says_so(folder: Path) -> None:
    write(large("IsNaN"), folder / "large.onnx")
    assert modelpack("add", "large.onnx", "--no-build").code == 0
    assert "# The graph has not been seen: whatever webgpu lacks may fall back" in config(folder)
    assert modelpack("build").code == 0


def test_add_of_a_package_is_locked(folder: Path) -> None:
    package = folder / "node_modules" / "@acme" / "voice" / "onnx"
    package.mkdir(parents=True)
    (package.parent / "package.json").write_text('{"version": "1.2.0"}')
    write(mlp(), package / "model.onnx")
    assert modelpack("add", "npm:@acme/voice/onnx/model.onnx", "--no-build").code == 0
    assert "[models.voice]" in config(folder)
    lock = json.loads((folder / "modelpack.lock").read_text())
    assert lock["sources"]["npm:@acme/voice/onnx/model.onnx"]["version"] == "1.2.0"


def test_add_of_a_checkpoint_keeps_its_task(folder: Path) -> None:
    make_checkpoint(folder / "bert")
    assert modelpack("add", "bert", "--task", "fill-mask", "--no-build").code == 0
    assert '[models.bert]\nsource = "bert"\ntask = "fill-mask"\n' in config(folder)


def test_add_of_a_function_is_named_after_its_module(folder: Path) -> None:
    (folder / "models" / "digits.py").write_text("def make(): ...\n")
    assert modelpack("add", "python:models.digits:make", "--no-build").code == 0
    assert '[models.digits]\nsource = "python:models.digits:make"\n' in config(folder)


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["nothing.onnx"], 1, "MP-E201"),
        (["npm:@acme/none/model.onnx"], 6, "MP-E220"),
        (["../outside.onnx"], 2, "MP-E114"),
        (["old.onnx"], 2, "models.old has this source already"),
        (["models/Words v2.onnx", "--name", "old"], 2, "models.old is there already"),
        (["models/Words v2.onnx", "--name", "A B"], 2, "MP-E1"),
    ],
)
def test_add_that_fails_changes_nothing(
    folder: Path, argv: list[str], code: int, said: str
) -> None:
    (folder / "modelpack.toml").write_text(BEFORE)
    answer = modelpack("add", *argv)
    assert (answer.code, said in answer.err) == (code, True), answer.err
    assert config(folder) == BEFORE
    assert not (folder / "modelpack.lock").exists()


def test_add_of_a_model_that_cannot_be_built_changes_nothing(folder: Path) -> None:
    (folder / "bad.onnx").write_bytes(b"<!doctype html>")
    answer = modelpack("add", "bad.onnx")
    assert (answer.code, "modelpack.toml is as it was" in answer.err) == (1, True)
    assert sorted(path.name for path in folder.glob("modelpack.*")) == []
