from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelpack.errors import StepError
from modelpack.graph.entropy.ledger import Ledger
from modelpack.graph.entropy.measuring import measure
from modelpack.graph.entropy.statistics import Statistics, write_statistics
from modelpack.graph.golden.samples import write_samples
from modelpack.graph.sessions import open_session
from modelpack.planned import EvaluateParams, QuantizeParams, SolveParams
from modelpack.record import Evaluation
from modelpack.spec.limits import Target
from modelpack.spec.variants import Device, Objective, Shape
from modelpack.steps import evaluate, quantize, solve
from modelpack.steps.contract import StepOutput
from tests.support import onnx_models
from tests.support.shaped import mlp_samples, sample_file, wide_mlp
from tests.support.step_runs import measured, path_of, step_input


def run(
    folder: Path,
    target: Target,
    shape: Shape = "entropy",
    device: Device = "wasm",
    *excluded: str,
    objective: Objective = "download",
) -> StepOutput:
    model = onnx_models.write(wide_mlp(), folder / "model.onnx")
    tune = sample_file(folder / "tune.npz", mlp_samples(40, seed=5))
    params = SolveParams(device, shape, excluded, (), (target,), (), objective)
    known = write_statistics(folder / "statistics.npz", measure(model, mlp_samples(80), ()))
    return solve.run(step_input(params, folder, model=model, statistics=known, tune=tune))


def test_run_grids_meet_the_limit_on_samples_never_seen(tmp_path: Path) -> None:
    solved = run(tmp_path, Target("cosine", 0.99))
    model = tmp_path / "model.onnx"
    params = QuantizeParams("q8", "wasm", (), 32)
    made = quantize.run(step_input(params, tmp_path, model=model, grids=path_of(solved, "grids")))
    assert measured(made)["scheme"] == "w8_entropy_a8_dyn"
    open_session(path_of(made, "model"))
    judge = sample_file(tmp_path / "judge.npz", mlp_samples(60, seed=11))
    evaluated = evaluate.run(
        step_input(
            EvaluateParams((), ()),
            tmp_path,
            reference=model,
            model=path_of(made, "model"),
            judge=judge,
        )
    )
    found = msgspec.json.decode(path_of(evaluated, "evaluation").read_bytes(), type=Evaluation)
    cosine = next(metric.value for metric in found.metrics if metric.metric == "cosine")
    assert 0.99 <= cosine < 0.995


def test_run_ledger_names_every_weight(tmp_path: Path) -> None:
    output = run(tmp_path, Target("cosine", 0.99))
    ledger = msgspec.json.decode(path_of(output, "ledger").read_bytes(), type=Ledger)
    assert {entry.name for entry in ledger.entries} == {"fc1.weight", "fc2.weight"}
    assert sum(entry.error_share for entry in ledger.entries) == pytest.approx(1)
    assert all(1 < entry.bits < 8 for entry in ledger.entries)
    assert ledger.products == "integers"
    assert measured(output)["attempts"] == len(ledger.attempts)
    assert any("2 weights at" in note for note in output.notes)
    assert {entry.reason for entry in ledger.entries} == {"feedback along both axes"}
    assert any(attempt.best for attempt in ledger.attempts)
    assert {attempt.tightest for attempt in ledger.attempts} == {"cosine"}
    assert any("of the allowed error" in note for note in output.notes)


def test_run_auto_tries_every_form_and_keeps_the_smallest(tmp_path: Path) -> None:
    output = run(tmp_path, Target("cosine", 0.995), "auto")
    ledger = msgspec.json.decode(path_of(output, "ledger").read_bytes(), type=Ledger)
    assert {attempt.products for attempt in ledger.attempts} == {"floats", "integers"}
    met = [attempt for attempt in ledger.attempts if attempt.load <= 1]
    smallest = min(met, key=lambda attempt: attempt.entropy_bytes)
    assert ledger.products == smallest.products
    assert measured(output)["entropyBytes"] == round(smallest.entropy_bytes)


def test_run_auto_for_latency_ends_with_the_fastest_form_that_keeps_the_limits(
    tmp_path: Path,
) -> None:
    output = run(tmp_path, Target("cosine", 0.995), "auto", objective="latency")
    assert measured(output)["products"] == "integers"
    assert "floats" not in output.notes[0]


def test_run_webgpu_never_multiplies_integers(tmp_path: Path) -> None:
    output = run(tmp_path, Target("cosine", 0.99), "entropy", "webgpu")
    assert measured(output)["products"] == "floats"


def test_run_excluded_nodes_have_no_grid(tmp_path: Path) -> None:
    output = run(tmp_path, Target("cosine", 0.99), "entropy", "wasm", "/fc1/*")
    ledger = msgspec.json.decode(path_of(output, "ledger").read_bytes(), type=Ledger)
    assert [entry.name for entry in ledger.entries] == ["fc2.weight"]


def test_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (run(tmp_path, Target("cosine", 0.98)) for _ in range(2))
    for role in ("grids", "ledger"):
        assert path_of(first, role).read_bytes() == path_of(second, role).read_bytes()


def test_run_limit_that_nothing_keeps_says_what_comes_closest(tmp_path: Path) -> None:
    with pytest.raises(StepError) as raised:
        run(tmp_path, Target("cosine", 0.9999999))
    assert raised.value.code == "MP-E452"
    assert "the closest, with integers products, has cosine 0.9999" in raised.value.message
    assert 'dtype = "auto"' in raised.value.remedy


def test_run_without_tune_samples_is_refused(tmp_path: Path) -> None:
    model = onnx_models.write(wide_mlp(), tmp_path / "model.onnx")
    tune = write_samples(tmp_path / "tune.npz", ("x",), ())
    known = write_statistics(tmp_path / "s.npz", measure(model, mlp_samples(8), ()))
    params = SolveParams("wasm", "entropy", (), (), (Target("cosine", 0.9),))
    with pytest.raises(StepError, match="no sample is left to tune by"):
        solve.run(step_input(params, tmp_path, model=model, statistics=known, tune=tune))


def test_run_model_without_large_weights_is_refused(tmp_path: Path) -> None:
    model = onnx_models.write(wide_mlp(), tmp_path / "model.onnx")
    known = measure(model, mlp_samples(8), ())
    empty = write_statistics(tmp_path / "s.npz", Statistics(known.seen, {}))
    tune = sample_file(tmp_path / "tune.npz", mlp_samples(8))
    params = SolveParams("wasm", "entropy", (), (), (Target("cosine", 0.9),))
    with pytest.raises(StepError) as raised:
        solve.run(step_input(params, tmp_path, model=model, statistics=empty, tune=tune))
    assert raised.value.code == "MP-E450"
