from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from modelpack.errors import (
    FrozenError,
    InternalError,
    ModelpackError,
    SourceUnreachableError,
    StepError,
    UsageError,
)
from modelpack.judge.budgets import VariantMeasurements, exit_code, judge_variant
from modelpack.published import PublishedVariant
from modelpack.record import Evaluation, MetricValue, TensorBytes, Verdict
from modelpack.spec.golden import Golden
from modelpack.spec.limits import (
    Comparison,
    Growth,
    Hints,
    Limit,
    Metric,
    MetricLimit,
    Network,
    Quantity,
)
from modelpack.spec.project import Model
from modelpack.spec.sources import FileSource
from modelpack.spec.variants import Variant

MEASURED = VariantMeasurements(
    download_bytes=1000,
    size_bytes=2000,
    chunks=3,
    tensors=(
        TensorBytes("a", "float32", 10, "/conv/Conv", "Conv"),
        TensorBytes("d", "int8", 900, "/fc/MatMul", "MatMul"),
        TensorBytes("c", "int8", 500, "", ""),
        TensorBytes("b", "int8", 500, "/head/Gemm", "Gemm"),
    ),
)


def limit(quantity: Quantity, maximum: int, hints: Hints = "error") -> Limit:
    return Limit(quantity, maximum, hints, f"models.bert.budget.{quantity}")


def variant(*budget: Limit) -> Variant:
    return Variant("q8", "q8", "wasm", (), 32, budget)


def model(*metrics: MetricLimit) -> Model:
    return Model(
        id="bert",
        source=FileSource(Path("/p/bert.onnx")),
        outputs=(),
        free_dimensions=(),
        state=(),
        assets=(),
        load="lazy",
        group=None,
        simplify=True,
        chunk_size_bytes=1024,
        golden=Golden(Path("/p/golden.npz"), None, metrics) if metrics else None,
        variants=(),
    )


def metric(name: Metric, comparison: Comparison, threshold: float) -> MetricLimit:
    return MetricLimit(name, comparison, threshold, f"models.bert.golden.metrics.{name}")


def evaluation(name: str, value: float) -> Evaluation:
    return Evaluation(40, (MetricValue(name, value, 7, value),))


def verdict(quantity: str = "download", *, passed: bool, hints: Hints = "error") -> Verdict:
    return Verdict("bert", "q8", quantity, "<=", 10.0, 11.0, passed, hints, "k")


def test_judge_no_limits_gives_no_verdicts() -> None:
    assert judge_variant(model(), variant(), MEASURED, None) == ()


@pytest.mark.parametrize(
    ("quantity", "maximum", "figure", "passed"),
    [
        ("download", 999, 1000, False),
        ("download", 1000, 1000, True),
        ("download", 1001, 1000, True),
        ("size", 1999, 2000, False),
        ("size", 2000, 2000, True),
        ("chunks", 2, 3, False),
        ("chunks", 3, 3, True),
    ],
)
def test_judge_limit_at_its_boundary(
    quantity: Quantity, maximum: int, figure: int, passed: bool
) -> None:
    (found,) = judge_variant(model(), variant(limit(quantity, maximum)), MEASURED, None)
    assert (found.measured, found.limit, found.passed) == (figure, maximum, passed)


def test_judge_budget_names_key_and_three_largest_tensors() -> None:
    (found,) = judge_variant(model(), variant(limit("download", 1)), MEASURED, None)
    assert found.key == "models.bert.budget.download"
    assert found.contributors == (
        ("d (int8, MatMul /fc/MatMul)", 900),
        ("b (int8, Gemm /head/Gemm)", 500),
        ("c (int8)", 500),
    )


@pytest.mark.parametrize("quantity", ["download", "size", "chunks", "assets"])
def test_judge_unmeasured_limit_fails(quantity: Quantity) -> None:
    nothing = VariantMeasurements(None, None, None)
    (found,) = judge_variant(model(), variant(limit(quantity, 10**12)), nothing, None)
    assert (found.measured, found.passed) == (None, False)


def test_judge_assets_are_a_limit_of_their_own() -> None:
    measured = msgspec.structs.replace(MEASURED, assets={"labels": 10, "tokenizer": 300})

    (held,) = judge_variant(model(), variant(limit("assets", 310)), measured, None)
    (broken,) = judge_variant(model(), variant(limit("assets", 309)), measured, None)

    assert (held.passed, broken.passed, broken.measured) == (True, False, 310)
    assert broken.contributors == (("tokenizer", 300), ("labels", 10))


def test_judge_warning_limit_keeps_its_hint() -> None:
    (found,) = judge_variant(model(), variant(limit("size", 1, "warning")), MEASURED, None)
    assert (found.passed, found.hints) == (False, "warning")


@pytest.mark.parametrize(
    ("comparison", "value", "passed"),
    [
        (">=", 0.98, False),
        (">=", 0.99, True),
        (">=", 1.0, True),
        (">=", math.nan, False),
        ("<=", 0.98, True),
        ("<=", 0.99, True),
        ("<=", 1.0, False),
        ("<=", math.nan, False),
        ("<=", math.inf, False),
    ],
)
def test_judge_metric_at_its_boundary(comparison: Comparison, value: float, passed: bool) -> None:
    judged = model(metric("cosine", comparison, 0.99))
    (found,) = judge_variant(judged, variant(), MEASURED, evaluation("cosine", value))
    assert (found.quantity, found.passed, found.hints) == ("cosine", passed, "error")
    assert found.key == "models.bert.golden.metrics.cosine"


def test_judge_metric_without_evaluation_fails() -> None:
    (found,) = judge_variant(model(metric("cosine", ">=", 0.0)), variant(), MEASURED, None)
    assert (found.measured, found.passed) == (None, False)


def test_judge_metric_missing_from_evaluation_fails() -> None:
    judged = model(metric("top1_agreement", ">=", 0.0))
    (found,) = judge_variant(judged, variant(), MEASURED, evaluation("cosine", 1.0))
    assert (found.measured, found.passed) == (None, False)


def test_judge_orders_budgets_before_accuracy_as_declared() -> None:
    judged = model(metric("max_abs_error", "<=", 1), metric("cosine", ">=", 0.9))
    limits = variant(limit("size", 1), limit("chunks", 1))
    found = judge_variant(judged, limits, MEASURED, None)
    assert [v.quantity for v in found] == ["size", "chunks", "max_abs_error", "cosine"]


@pytest.mark.parametrize(
    ("verdicts", "errors", "code"),
    [
        ([], [], 0),
        ([verdict(passed=True)], [], 0),
        ([verdict(passed=False, hints="warning")], [], 0),
        ([verdict(passed=False)], [], 3),
        ([verdict("cosine", passed=False)], [], 4),
        ([verdict(passed=False), verdict("cosine", passed=False)], [], 4),
        ([verdict("cosine", passed=False)], [FrozenError("MP-E720", "x")], 5),
        ([], [FrozenError("MP-E720", "x"), StepError("MP-E403", "x")], 1),
        ([], [StepError("MP-E403", "x"), SourceUnreachableError("MP-E220", "x")], 6),
        ([], [SourceUnreachableError("MP-E220", "x"), UsageError("MP-E111", "x")], 2),
        ([], [UsageError("MP-E111", "x"), InternalError("MP-E900", "x")], 7),
    ],
)
def test_exit_code_is_the_first_in_order(
    verdicts: list[Verdict], errors: list[ModelpackError], code: int
) -> None:
    assert exit_code(verdicts, errors) == code


# --- against the baseline, and on networks -----------------------------------------------------------------------

BASELINE = PublishedVariant("0" * 64, 1000, 2000, {"a": 600, "b": 400})
CHANGED = VariantMeasurements(
    1030, 2100, 3, transfers=(("a", 600), ("c", 400), ("d", 30)), baseline=BASELINE
)


@pytest.mark.parametrize(
    ("quantity", "share", "limit", "passed"),
    [
        ("download", 0.03, 1030, True),
        ("download", 0.029, 1029, False),
        ("size", 0.05, 2100, True),
        ("size", -0.05, 1900, False),
        ("chunks", 0.0, 2, False),
        ("chunks", 0.5, 3, True),
    ],
)
def test_judge_growth_follows_the_baseline(
    quantity: Quantity, share: float, limit: int, passed: bool
) -> None:
    budget = Limit(quantity, Growth(share), "error", "k")
    (found,) = judge_variant(model(), variant(budget), CHANGED, None)
    assert (found.limit, found.passed, found.note) == (limit, passed, "")
    assert found.baseline == {"download": 1000, "size": 2000, "chunks": 2}[quantity]


@pytest.mark.parametrize(("share", "passed"), [(430 / 1030, True), (0.4, False)])
def test_judge_update_is_the_share_of_new_chunks(share: float, passed: bool) -> None:
    (found,) = judge_variant(model(), variant(Limit("update", share, "error", "k")), CHANGED, None)
    assert (found.measured, found.passed) == (430 / 1030, passed)
    assert found.contributors == (("chunk c…", 400), ("chunk d…", 30))


@pytest.mark.parametrize("maximum", [Growth(0.0), 0.0])
def test_judge_without_a_baseline_is_not_judged(maximum: float | Growth) -> None:
    quantity: Quantity = "download" if isinstance(maximum, Growth) else "update"
    budget = Limit(quantity, maximum, "error", "k")
    (found,) = judge_variant(model(), variant(budget), MEASURED, None)
    assert found.passed
    assert found.note == "no baseline has this variant; `modelpack baseline update` writes one"
    assert exit_code((found,), ()) == 0


def test_judge_growth_that_was_not_measured_fails() -> None:
    unmeasured = VariantMeasurements(None, None, None, baseline=BASELINE)
    limits = variant(
        Limit("download", Growth(0.1), "error", "k"), Limit("update", 1.0, "error", "k")
    )
    found = judge_variant(model(), limits, unmeasured, None)
    assert [(verdict.measured, verdict.passed) for verdict in found] == [(None, False)] * 2


@pytest.mark.parametrize(("seconds", "passed"), [(1.44, True), (1.42, False)])
def test_judge_load_time_is_computed_from_chunks(seconds: float, passed: bool) -> None:
    network = Network("slow", 8000, 0.1)
    measured = VariantMeasurements(
        1000, 2000, 2, transfers=(("a", 600), ("b", 400)), manifest_bytes=30
    )
    budget = Limit("load_time", seconds, "error", "k", network)
    (found,) = judge_variant(model(), variant(budget), measured, None)
    assert found.quantity == "load_time.slow"
    assert found.measured == pytest.approx(0.3 + 0.03 + 0.1 + 1)
    assert found.passed is passed


def test_judge_function_of_the_project_is_accuracy() -> None:
    judged = model(MetricLimit("python:m:f", "<=", 0.1, "k"))
    (found,) = judge_variant(judged, variant(), MEASURED, evaluation("python:m:f", 0.2))
    assert not found.passed
    assert exit_code((found,), ()) == 4


@pytest.mark.parametrize(
    ("threshold", "measured", "passed", "limit"),
    [(0.0, 0.97, True, 0.97), (0.0, 0.969, False, 0.97), (-0.002, 0.968, True, 0.968)],
)
def test_judge_accuracy_against_the_baseline(
    threshold: float, measured: float, passed: bool, limit: float
) -> None:
    relative = MetricLimit("cosine", ">=", threshold, "k", is_relative=True)
    before = PublishedVariant("d" * 64, 1, 1, {}, {"cosine": 0.97})
    figures = msgspec.structs.replace(MEASURED, baseline=before)
    evaluation = Evaluation(1, (MetricValue("cosine", measured, 0, measured),))
    (verdict,) = judge_variant(model(relative), variant(), figures, evaluation)
    assert (verdict.passed, verdict.limit, verdict.baseline) == (passed, limit, 0.97)


def test_judge_accuracy_against_no_baseline_is_not_judged() -> None:
    relative = MetricLimit("cosine", ">=", 0.0, "k", is_relative=True)
    (verdict,) = judge_variant(model(relative), variant(), MEASURED, None)
    assert verdict.passed
    assert verdict.note.startswith("no baseline has this variant")
