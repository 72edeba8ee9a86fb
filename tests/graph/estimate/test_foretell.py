from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from onnx import helper

from modelpack.errors import StepError
from modelpack.estimated import EstimateRequest, Foretold, Recipe
from modelpack.graph.estimate.foretell import foretell
from modelpack.graph.feeds import Feeds
from modelpack.graph.golden.samples import Sample, write_samples
from modelpack.graph.sessions import Array
from modelpack.planned import QuantizeParams
from tests.support.onnx_models import mlp, tensor, value, weights_like, write
from tests.support.onnx_models import model as model_of

Q8 = QuantizeParams("q8", "wasm", (), 32)


def foretold(path: Path, *recipes: Recipe, samples: Path | None = None) -> tuple[Foretold, ...]:
    return foretell(EstimateRequest(path, samples, (), (), (), recipes))


def samples_of(folder: Path, *feeds: Feeds) -> Path:
    samples = [Sample(number, feed) for number, feed in enumerate(feeds)]
    return write_samples(folder / "tune.npz", ["x"], samples)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(mlp(), tmp_path / "model.onnx")


def test_foretell_knows_the_order_of_dtypes(model: Path) -> None:
    dtypes = ("fp32", "fp16", "q8", "q4")
    found = foretold(model, *(Recipe(name, "plain", replace(Q8, dtype=name)) for name in dtypes))
    raw = [one.bytes["raw"] for one in found]
    assert raw == sorted(raw, reverse=True)
    assert [one.id for one in found] == list(dtypes)
    assert found[0].loss == (0.0, 1e-6)
    losses = [one.loss[1] for one in found if one.loss is not None]
    assert losses == sorted(losses)


def test_foretell_integer_products_lose_more_than_float_ones(tmp_path: Path, model: Path) -> None:
    gpu = replace(Q8, device="webgpu")
    wasm, other = foretold(model, Recipe("wasm", "plain", Q8), Recipe("gpu", "plain", gpu))
    assert wasm.loss is not None
    assert other.loss is not None
    assert wasm.loss[1] > other.loss[1]


def test_foretell_shaped_variant_gets_smaller_with_its_limit(tmp_path: Path) -> None:
    product = helper.make_node("MatMul", ["x", "w"], ["y"], "product")
    weight = tensor("w", weights_like(3, 256, 256))
    made = model_of([product], [value("x", [4, 256])], [value("y", [4, 256])], [weight])
    path = write(made, tmp_path / "model.onnx")
    tight, loose = foretold(
        path, Recipe("a", "entropy", Q8, 0.9999), Recipe("b", "entropy", Q8, 0.9)
    )
    assert loose.bytes["zstd"] < tight.bytes["zstd"]
    assert loose.loss is not None
    assert loose.loss == (0.0, pytest.approx(0.1))


def test_foretell_without_samples_or_a_limit_says_so(model: Path) -> None:
    (found,) = foretold(model, Recipe("a", "entropy", Q8))
    assert found.samples == 2
    assert found.notes == (
        "what is lost is foretold on made-up inputs; a golden set tells it of real ones",
        "no limit of a cosine says how coarse its weights may be: 0.999 is taken",
    )


def test_foretell_with_no_sample_left_to_tune_by_makes_inputs_up(
    tmp_path: Path, model: Path
) -> None:
    (found,) = foretold(model, Recipe("q8", "plain", Q8), samples=samples_of(tmp_path))
    assert found.samples == 2
    assert found.loss is not None
    assert found.notes == (
        "what is lost is foretold on made-up inputs: so few samples are all needed to fit and to judge by",
    )


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((1, 3), np.float32), "the original does not run"),
        (np.full((1, 32), np.nan, np.float32), "logits of the original is not finite numbers"),
    ],
)
def test_foretell_of_a_sample_that_the_original_does_not_take_names_it(
    tmp_path: Path, model: Path, array: Array, said: str
) -> None:
    samples = samples_of(tmp_path, {"x": array})
    with pytest.raises(StepError, match=rf"MP-E502 sample 0.*{said}"):
        foretold(model, Recipe("q8", "plain", Q8), samples=samples)
