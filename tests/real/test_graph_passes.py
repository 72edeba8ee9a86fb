"""Inspect, simplify and shake on real models: nothing is lost, and outputs stay what they were."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest

from modelpack.graph.sessions import Array, open_session, run_session
from modelpack.planned import InspectParams, ShakeParams, SimplifyParams
from modelpack.record import ModelFacts
from modelpack.spec.golden import StatePair
from modelpack.steps import inspect, shake, simplify
from modelpack.steps.trial import run_trial
from tests.support.passes import computes_the_same
from tests.support.real_inputs import (
    SAMPLE_RATE_HZ,
    magika_feed,
    magika_files,
    photographs,
    real_models,
    speech,
    speech_frames,
)
from tests.support.steps import step_input

pytestmark = pytest.mark.real

MODELS = ("magika_v3_2", "magika_v3_3", "silero_vad", "ultraface")
# Share of the largest value. Simplifying folds constants and so sums in another order; the largest share seen is 3e-7.
ROUNDING = 1e-5


def source(name: str) -> Path:
    return real_models() / f"{name}.onnx"


def simplified_and_shaken(name: str, folder: Path) -> Path:
    (folder / "simplify").mkdir()
    (folder / "shake").mkdir()
    first = simplify.run(step_input(SimplifyParams(), folder / "simplify", model=source(name)))
    assert first.notes == ()
    params = ShakeParams((), ())
    second = shake.run(step_input(params, folder / "shake", model=first.files[0].path))
    return second.files[0].path


def real_feeds(name: str) -> Iterator[dict[str, Array]]:
    if name == "ultraface":
        for photograph in photographs():
            yield {"input": photograph["input"]}
    elif name == "silero_vad":
        state = np.zeros((2, 1, 128), np.float32)
        rate_hz = np.array(SAMPLE_RATE_HZ, np.int64)
        for frame in speech_frames(speech(3)):
            yield {"input": frame, "state": state, "sr": rate_hz}
    else:
        for path in magika_files(20):
            yield dict(magika_feed(path, real_models() / "magika_v3_3.config.json"))


@pytest.mark.parametrize("name", MODELS)
def test_real_model_is_accepted(tmp_path: Path, name: str) -> None:
    output = inspect.run(step_input(InspectParams((), (), ()), tmp_path, model=source(name)))

    facts = msgspec.json.decode(output.files[0].path.read_bytes(), type=ModelFacts)
    assert facts.inputs
    assert facts.outputs
    assert sum(tensor.size_bytes for tensor in facts.tensors) > 1_000_000


def test_real_silero_state_is_accepted(tmp_path: Path) -> None:
    params = InspectParams((), (), (StatePair("state", "stateN"),))

    inspect.run(step_input(params, tmp_path, model=source("silero_vad")))


@pytest.mark.parametrize("name", MODELS)
def test_real_model_shaken_computes_the_same(tmp_path: Path, name: str) -> None:
    output = shake.run(step_input(ShakeParams((), ()), tmp_path, model=source(name)))

    assert computes_the_same(source(name), output.files[0].path)


@pytest.mark.parametrize("name", MODELS)
def test_real_model_simplified_and_shaken_agrees_on_real_inputs(tmp_path: Path, name: str) -> None:
    path = simplified_and_shaken(name, tmp_path)
    before, after = open_session(source(name)), open_session(path)

    for feeds in islice(real_feeds(name), 20):
        expected, found = run_session(before, feeds), run_session(after, feeds)
        for output, array in expected.items():
            wide = array.astype(np.float64)
            difference = np.abs(wide - found[output].astype(np.float64)).max()
            assert difference <= ROUNDING * np.abs(wide).max()


@pytest.mark.parametrize("name", MODELS)
def test_real_model_has_all_its_weights_in_the_main_graph(tmp_path: Path, name: str) -> None:
    model = onnx.load(simplified_and_shaken(name, tmp_path))

    outside = model.ByteSize() - sum(weight.ByteSize() for weight in model.graph.initializer)
    assert outside < 160_000  # silero is all nodes: 650 of them


@pytest.mark.parametrize("name", MODELS)
def test_real_model_runs_on_generated_inputs(name: str) -> None:
    assert run_trial(source(name))
