from __future__ import annotations

import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from msgspec import Struct
from onnx import numpy_helper

from modelpack.cli.main import run
from modelpack.cli.project import project_store
from modelpack.config.read import read_project
from modelpack.engine.admission import Admission
from modelpack.engine.runner import Runner
from modelpack.graph.sessions import Array, open_session, run_session
from modelpack.plan import make_plan
from tests.support.estimates import compare
from tests.support.fakes import InlineWorkers
from tests.support.real_inputs import real_models
from tests.support.real_project import VARIANTS, Feeds, carried, real_feeds, write_project
from tests.support.reassembly import Pack, digest

pytestmark = pytest.mark.real

EVERY = [(model, variant) for model, variants in VARIANTS.items() for variant in variants]
MAGIKA = ("magika_v3_2", "magika_v3_3")
# Largest difference from fp32 in any element of an output, about twice what was measured (docs/figures.md).
# fp16: 11 bits of mantissa through 50 layers, on outputs of 1 (13 for stateN). A softmax (target_label) turns a
# logit's last bits into per cents where two labels are close.
FP16 = {"scores": 0.01, "boxes": 0.015, "output": 0.002, "stateN": 0.01, "target_label": 0.12}
# q8: 8 bits of activations as well.
Q8 = {"scores": 0.07, "boxes": 0.06, "output": 0.04, "stateN": 0.6, "target_label": 0.06}


Outputs = list[dict[str, Array]]


class Built(Struct, frozen=True):
    """A project that was built once. `models` is where its models come from."""

    project: Path
    models: Path

    def pack(self, host: str = "static") -> Pack:
        return Pack(self.project / host)

    def variant(self, model: str, variant: str, host: str = "static") -> Path:
        """The graph of the variant as a page would have it, from chunks alone."""
        pack = self.pack(host)
        folder = self.project / "assembled" / host / model / variant
        return pack.assemble(pack.variant(model, variant), folder)

    def original_outputs(self, model: str) -> Outputs:
        return outputs(self.models / f"{model}.onnx", model, self.models)

    def outputs(self, model: str, variant: str, host: str = "static") -> Outputs:
        return outputs(self.variant(model, variant, host), model, self.models)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    models = real_models()
    project = write_project(tmp_path_factory.mktemp("real") / "project", models)
    assert build(project, "modelpack.toml")["status"] == "built"
    return Built(project, models)


@pytest.fixture(scope="session")
def built_for_nginx(built: Built) -> Built:
    assert build(built.project, "nginx.toml")["status"] == "built"
    return built


def build(project: Path, config: str, *more: str) -> dict[str, object]:
    """The report of a build."""
    out, err = io.StringIO(), io.StringIO()
    code = run(["build", "-C", str(project), "--config", config, "--json", *more], out, err)
    assert code == 0, err.getvalue()
    report: dict[str, object] = json.loads(out.getvalue())
    return report


def quantized(built: Built, model: str, variant: str) -> Path:
    """What the step `quantize` gave, from the cache. Fails if any step of the build is not in it."""
    project = read_project(built.project / "modelpack.toml", "production")
    folder = built.project / "quantized" / model / variant
    folder.mkdir(parents=True, exist_ok=True)
    with project_store(project) as store:
        runner = Runner(store, InlineWorkers(), Admission(1, 1), lambda _event: None)
        assert all(runner.is_current(step) for step in make_plan(project, "production").steps)
        files = runner.results[f"quantize:{model}@{variant}"].with_role("model")
        for file in files:
            store.blobs.materialise(file.digest, folder / file.name)
    return folder / files[0].name


def weights(path: Path) -> dict[str, tuple[str, tuple[int, ...], str]]:
    """Type, shape and digest of each weight of the model, those of subgraphs included."""
    return {
        tensor.name: (str(array.dtype), array.shape, digest(array.tobytes()))
        for tensor in graph_tensors(onnx.load(path).graph)
        for array in [numpy_helper.to_array(tensor)]
    }


def graph_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from graph_tensors(attribute.g)


def largest_errors(expected: Outputs, found: Outputs) -> dict[str, float]:
    """The largest difference in any element, for each output."""
    return {
        name: max(
            float(np.abs(np.subtract(left[name], right[name], dtype=np.float64)).max())
            for left, right in zip(expected, found, strict=True)
        )
        for name in expected[0]
    }


@cache  # magika takes 50 ms a file, and several tests ask for the same
def outputs(graph: Path, model: str, models: Path) -> Outputs:
    session = open_session(graph)
    return [run_session(session, feed) for feed in feeds(model, models)]


@cache
def feeds(model: str, models: Path) -> list[Feeds]:
    return real_feeds(model, models)


def labels(found: Outputs) -> list[int]:
    return [int(each["target_label"].argmax()) for each in found]


@pytest.mark.parametrize("host", ["static", "nginx"])
def test_published_chunks_decode_to_their_digest_in_every_form(
    built_for_nginx: Built, host: str
) -> None:
    pack = built_for_nginx.pack(host)
    for chunk in pack.chunks:
        for content in pack.forms(chunk):
            assert (len(content), digest(content)) == (chunk["size"], chunk["hash"])


@pytest.mark.parametrize("host", ["static", "nginx"])
def test_published_files_from_chunks_alone_are_as_the_manifest_says(
    built_for_nginx: Built, host: str
) -> None:
    pack = built_for_nginx.pack(host)
    for name, file in pack.files.items():
        content = pack.file(name)
        assert (len(content), digest(content)) == (file["size"], file["hash"])


def test_published_files_are_the_same_for_every_host(built_for_nginx: Built) -> None:
    static, nginx = built_for_nginx.pack("static"), built_for_nginx.pack("nginx")
    assert (static.is_stored, nginx.is_stored) == (True, False)
    assert {name: file["hash"] for name, file in static.files.items()} == {
        name: file["hash"] for name, file in nginx.files.items()
    }


@pytest.mark.parametrize(("model", "variant"), EVERY)
def test_published_variant_is_what_quantize_gave(built: Built, model: str, variant: str) -> None:
    made, published = quantized(built, model, variant), built.variant(model, variant)
    assert weights(published) == weights(made)
    made_outputs = outputs(made, model, built.models)
    assert set(largest_errors(made_outputs, built.outputs(model, variant)).values()) == {0.0}


@pytest.mark.parametrize("model", VARIANTS)
def test_published_fp32_gives_what_the_source_gives(built: Built, model: str) -> None:
    errors = largest_errors(built.original_outputs(model), built.outputs(model, "fp32"))
    # simplify may fold constants in another order: a few roundings of float32, on values up to 13.
    assert max(errors.values()) <= 1e-5


@pytest.mark.parametrize("model", VARIANTS)
@pytest.mark.parametrize(("variant", "tolerances"), [("fp16", FP16), ("q8", Q8)])
def test_published_variant_agrees_with_fp32_on_real_inputs(
    built: Built, model: str, variant: str, tolerances: dict[str, float]
) -> None:
    errors = largest_errors(built.outputs(model, "fp32"), built.outputs(model, variant))
    assert {name: error for name, error in errors.items() if error > tolerances[name]} == {}


@pytest.mark.parametrize("model", MAGIKA)
@pytest.mark.parametrize("variant", ["fp16", "q8"])
def test_published_magika_names_the_same_labels(built: Built, model: str, variant: str) -> None:
    expected = labels(built.outputs(model, "fp32"))
    assert len(set(expected)) >= 10
    assert labels(built.outputs(model, variant)) == expected


@pytest.mark.parametrize("model", MAGIKA)
def test_published_magika_in_four_bits_names_most_labels(built: Built, model: str) -> None:
    expected, found = labels(built.outputs(model, "fp32")), labels(built.outputs(model, "q4"))
    # 80 files gave 75 and 78: four bits without calibration cost a few labels of a small model.
    assert np.mean(np.equal(expected, found)) >= 0.85


@pytest.mark.parametrize(("variant", "tolerance"), [("fp16", 0.002), ("q8", 0.05)])
def test_published_silero_does_not_drift_while_state_is_carried(
    built: Built, variant: str, tolerance: float
) -> None:
    frames = [feed["input"] for feed in feeds("silero_vad", built.models)]
    expected = carried(built.variant("silero_vad", "fp32"), frames)
    found = carried(built.variant("silero_vad", variant), frames)
    assert max(expected) > 0.9
    assert max(np.abs(np.subtract(expected, found))) <= tolerance


@pytest.mark.parametrize(("model", "variant"), EVERY)
def test_published_variant_for_nginx_runs(built_for_nginx: Built, model: str, variant: str) -> None:
    static = built_for_nginx.outputs(model, variant)
    nginx = built_for_nginx.outputs(model, variant, "nginx")
    assert set(largest_errors(static, nginx).values()) == {0.0}


def test_second_build_runs_no_step_and_publishes_the_same(built: Built) -> None:
    before = (built.project / "static" / "manifest.json").read_bytes()
    assert build(built.project, "modelpack.toml", "--jobs", "1")["status"] == "unchanged"
    assert (built.project / "static" / "manifest.json").read_bytes() == before


def test_estimate_of_the_real_models_is_near_what_a_build_gives(built_for_nginx: Built) -> None:
    folder = built_for_nginx.project
    out, err = io.StringIO(), io.StringIO()
    config = str(folder / "nginx.toml")
    assert run(["estimate", "--json", "--config", config, "-C", str(folder)], out, err) == 0
    found = compare(
        out.getvalue(), folder / "nginx" / "manifest.json", folder / "modelpack.stats.json"
    )
    assert len(found) == len(EVERY)
    for name, one in found.items():
        assert one.is_inside, (name, one)
        # docs/figures-variants.md; silero's fp16 repeats bytes that samples of them do not show.
        assert one.ratios == pytest.approx(dict.fromkeys(one.ratios, 1.0), abs=0.2), name
