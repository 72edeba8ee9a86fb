from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.judge.budgets import VariantMeasurements, judge_variant
from modelpack.judge.latency import measured_figures, slowest_operators
from modelpack.measured import OperatorTime
from modelpack.published import PublishedVariant
from modelpack.record import Verdict
from modelpack.spec.limits import Growth, Limit, Quantity
from modelpack.spec.project import Model
from modelpack.spec.sources import FileSource
from modelpack.spec.variants import Variant
from tests.support.runs import run

ALL = {"memory": 50_000_000, "latency_p50": 0.02, "latency_p95": 0.03, "first_inference": 0.1}


MODEL = Model(
    id="m",
    source=FileSource(Path("/p/m.onnx")),
    outputs=(),
    free_dimensions=(),
    state=(),
    assets=(),
    load="lazy",
    group=None,
    simplify=True,
    chunk_size_bytes=4096,
    golden=None,
    variants=(),
)


def judged(quantity: Quantity, maximum: float | Growth, **figures: float) -> Verdict:
    limit = Limit(quantity, maximum, "error", f"models.m.budget.{quantity}")
    variant = Variant("q8", "q8", "wasm", (), 32, (limit,))
    before = PublishedVariant("d" * 64, 1, 1, {}, measured={"latency_p50": 0.01})
    measured = VariantMeasurements(
        1, 1, 1, baseline=before, measured=figures, slowest=(("MatMul", 0.9),)
    )
    (verdict,) = judge_variant(MODEL, variant, measured, None)
    return verdict


def test_measured_figures_are_those_of_the_loaders_defaults() -> None:
    runs = (
        run(),
        run(threads=2, p50_s=9.0),
        run(slowdown=4.0, p50_s=9.0),
        run(engine="native", device="cpu", p50_s=9.0),
        run(device="webgpu", p50_s=9.0),
    )
    assert measured_figures({"here": runs}, "wasm") == ALL


def test_measured_figures_of_several_machines_are_the_worst() -> None:
    runs = {"here": (run(),), "there": (run(p50_s=0.05, first_s=0.01),)}
    assert measured_figures(runs, "wasm") == {**ALL, "latency_p50": 0.05}


def test_measured_figures_leave_out_times_of_an_emulated_gpu() -> None:
    runs = {"here": (run(device="webgpu", adapter="google swiftshader"),)}
    assert measured_figures(runs, "webgpu") == {"memory": 50_000_000}


def test_slowest_operators_are_those_of_the_profile() -> None:
    times = tuple(OperatorTime("", name, 0.25, 8) for name in ("A", "B", "C", "D"))
    found = slowest_operators({"here": (run(), run(engine="native", operators=times))})
    assert found == (("A", 0.25), ("B", 0.25), ("C", 0.25))


@pytest.mark.parametrize("quantity", list(ALL))
def test_judge_measured_limit_holds_when_met_and_fails_when_exceeded(quantity: Quantity) -> None:
    assert judged(quantity, 0.5, **{quantity: 0.5}).passed
    assert not judged(quantity, 0.5, **{quantity: 0.6}).passed


def test_judge_measured_limit_that_was_not_measured_fails() -> None:
    verdict = judged("latency_p95", 0.5)
    assert (verdict.passed, verdict.measured, verdict.note) == (False, None, "")


def test_judge_latency_against_the_baseline() -> None:
    held = judged("latency_p50", Growth(0.1), latency_p50=0.0109)
    assert (held.passed, held.limit, held.baseline) == (True, pytest.approx(0.011), 0.01)
    assert not judged("latency_p50", Growth(0.1), latency_p50=0.012).passed


def test_judge_against_a_baseline_that_was_not_measured_is_not_judged() -> None:
    verdict = judged("memory", Growth(0.1), memory=5)
    assert (verdict.passed, bool(verdict.note)) == (True, True)


def test_judge_latency_names_the_slowest_operators() -> None:
    assert judged("latency_p50", 0.5, latency_p50=1).operators == (("MatMul", 0.9),)
    assert judged("memory", 5, memory=6).operators == ()
