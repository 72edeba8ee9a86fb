"""Modules of the project through torch's exporter and the whole build."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from tests.support.cli import modelpack, modelpack_process
from tests.support.exports import needs_export
from tests.support.reassembly import Pack

MODULE = """
from pathlib import Path
import torch
from nets.sizes import WIDTH

class Words(torch.nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.linear = torch.nn.Linear(WIDTH, 4, bias=False)
        self.linear.weight.data = weight

    def forward(self, x, mask):
        return {"scores": self.linear(x) * mask[..., None], "mean": x.mean(1)}

def make():
    numbers = Path(__file__).with_name("weight.txt").read_text().split()
    weight = torch.tensor([float(number) for number in numbers]).reshape(4, WIDTH)
    return Words(weight), {"x": torch.randn(2, 5, WIDTH), "mask": torch.ones(2, 5)}
"""
CONFIG = """
[models.words]
source = "python:nets.words:make"
files = ["nets/weight.txt"]
variants.fp32 = {}
dynamic_dimensions = { x = { 0 = "batch", 1 = "length" }, mask = { 0 = "batch", 1 = "length" } }
"""
WEIGHT = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "words.py").write_text(MODULE)
    (tmp_path / "nets" / "sizes.py").write_text("WIDTH = 3\n")
    (tmp_path / "nets" / "weight.txt").write_text(" ".join(str(number) for number in range(12)))
    (tmp_path / "modelpack.toml").write_text(CONFIG)
    return tmp_path


@pytest.mark.export
@pytest.mark.slow
@needs_export
def test_function_source_is_exported_with_its_open_dimensions_and_once(folder: Path) -> None:
    built = modelpack_process("build", "-C", folder)
    assert built.code == 0, built.err
    pack = Pack(folder / "public" / "models")
    graph = pack.assemble(pack.variant("words", "fp32"), folder / "assembled")
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    x, mask = np.random.default_rng(1).random((3, 7, 3), np.float32), np.ones((3, 7), np.float32)
    scores, mean = session.run(["scores", "mean"], {"x": x, "mask": mask})
    np.testing.assert_allclose(scores, x @ WEIGHT.T, atol=1e-5)
    np.testing.assert_allclose(mean, x.mean(1), atol=1e-5)
    assert "nothing changed" in modelpack_process("build", "-C", folder).err
    (folder / "nets" / "other.py").write_text("")  # nothing that the function imports
    assert finished(folder) == []
    (folder / "nets" / "sizes.py").write_text("WIDTH = 3  # the same\n")
    assert finished(folder) == ["export:words"]  # which gave the same bytes: nothing after it runs


def finished(folder: Path) -> list[str]:
    """The steps that a build runs."""
    lines = modelpack_process("build", "-C", folder, "--json=stream").out.splitlines()
    events = [json.loads(line) for line in lines]
    return [event["step"] for event in events if event.get("state") == "finished"]


@pytest.mark.export
@pytest.mark.slow
@needs_export
def test_function_source_that_fails_says_how(folder: Path) -> None:
    config = folder / "modelpack.toml"
    config.write_text(CONFIG.replace('files = ["nets/weight.txt"]', ""))
    unnamed = modelpack_process("build", "-C", folder)
    assert (unnamed.code, "name what it reads in `files`" in unnamed.err) == (1, True)
    config.write_text(CONFIG.replace('1 = "length"', '2 = "width"'))
    fixed = modelpack_process("build", "-C", folder)
    assert (fixed.code, "MP-E460" in fixed.err) == (1, True), fixed.err


def test_function_source_shows_in_the_graph(folder: Path) -> None:
    graph = modelpack("graph", "-C", folder)
    assert graph.out.startswith("export:words  reads python:nets.words:make\n"), graph.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("variants.fp32", 'task = "fill-mask"\nvariants.fp32', "task is for checkpoints"),
        ("python:nets.words:make", "a.onnx", "dynamic_dimensions is for functions"),
        ("nets/weight.txt", "../weight.txt", "does not lie below"),
        ("python:nets.words:make", "python:nets/words:make", "python:models.words:make"),
    ],
)
def test_function_source_with_keys_that_contradict_it_is_refused(
    folder: Path, old: str, new: str, said: str
) -> None:
    project = folder / "app"
    project.mkdir()
    (project / "modelpack.toml").write_text(CONFIG.replace(old, new))
    answer = modelpack("list", "-C", project)
    assert (answer.code, said in answer.err) == (2, True), answer.err
