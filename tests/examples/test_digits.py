from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from modelpack.config.read import read_project
from modelpack.graph.sessions import open_session, run_session
from tests.support.scripts import ROOT, load_script

EXAMPLE = ROOT / "examples" / "digits"
MODEL = EXAMPLE / "models" / "digits.onnx"
TRAIN = load_script("examples/digits/train.py")


def accuracy(model: Path) -> float:
    images, labels = TRAIN.load_samples()
    _, held_out = TRAIN.split_samples(len(images))
    logits = run_session(open_session(model), {"image": images[held_out]})["logits"]
    return float(np.mean(logits.argmax(axis=1) == labels[held_out]))


def test_digits_model_is_right_on_held_out_samples() -> None:
    assert accuracy(MODEL) >= 0.97


def test_digits_model_is_large_enough_to_show_quantising() -> None:
    assert 150_000 <= MODEL.stat().st_size <= 300_000


def test_digits_model_takes_any_number_of_images() -> None:
    (image,) = onnx.load(MODEL).graph.input
    dims = image.type.tensor_type.shape.dim
    assert image.name == "image"
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", 1, 8, 8]


def test_digits_golden_set_is_what_training_never_saw() -> None:
    images, _ = TRAIN.load_samples()
    train, held_out = TRAIN.split_samples(len(images))
    with np.load(EXAMPLE / "golden" / "digits.npz", allow_pickle=False) as golden:
        samples = golden["image"]
    assert samples.dtype == np.float32
    assert np.array_equal(samples, images[held_out])
    assert not {image.tobytes() for image in samples} & {image.tobytes() for image in images[train]}


def test_digits_gradients_agree_with_finite_differences() -> None:
    random = np.random.default_rng(1)
    weights = {
        name: weight.astype(np.float64)
        for name, weight in TRAIN.initial_weights(random, 2, 6).items()
    }
    images, labels = random.random((5, 1, 8, 8)), np.array([0, 3, 3, 9, 1])
    gradients = TRAIN.backward(weights, TRAIN.forward(weights, images), labels)

    def loss() -> float:
        logits = TRAIN.forward(weights, images)["logits"]
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(5), labels]))

    for name, weight in weights.items():
        place = tuple(random.integers(0, size) for size in weight.shape)
        weight[place] += 1e-6
        above = loss()
        weight[place] -= 2e-6
        slope = (above - loss()) / 2e-6
        weight[place] += 1e-6
        # float64: the difference quotient itself is good to about 1e-8.
        assert slope == pytest.approx(gradients[name][place], rel=1e-4, abs=1e-7)


def test_digits_configuration_declares_three_variants() -> None:
    (model,) = read_project(EXAMPLE / "modelpack.toml", "production").models
    assert [(v.id, v.dtype, v.device) for v in model.variants] == [
        ("q8", "q8", "wasm"),
        ("fp16", "fp16", "webgpu"),
        ("fp32", "fp32", "wasm"),
    ]


def test_digits_builds_within_its_budgets(tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns("node_modules", ".modelpack", "public", "src")
    project = shutil.copytree(EXAMPLE, tmp_path / "digits", ignore=left_out)
    (project / ".git").mkdir()  # the workspace ends here: the cache stays in the test's folder
    finished = subprocess.run(
        [sys.executable, "-m", "modelpack", "build", "-C", str(project), "--json"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    report = json.loads(finished.stdout)
    assert report["status"] == "built"
    assert {verdict["passed"] for verdict in report["verdicts"]} == {True}
    assert {variant["variant"] for variant in report["variants"]} == {"q8", "fp16", "fp32"}
    # The committed types, by which examples/digits-web is compiled before anything is built.
    types = Path("src", "models.d.ts")
    assert (project / types).read_text() == (EXAMPLE / types).read_text()


@pytest.mark.slow
def test_digits_training_repeats_to_the_byte(tmp_path: Path) -> None:
    models = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for model in models:
        command = [sys.executable, str(EXAMPLE / "train.py"), "--model", str(model)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    assert models[0].read_bytes() == models[1].read_bytes()
    assert accuracy(models[0]) >= 0.97
