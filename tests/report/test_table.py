from __future__ import annotations

import math

import pytest

from modelpack.record import Evaluation, MetricValue
from modelpack.report.palette import ansi
from modelpack.report.table import build_table
from modelpack.report.words import display_width
from tests.support.golden import assert_golden
from tests.support.reports import both, cosine, report, row


def cell(metric: str, value: float) -> str:
    """What the table shows for one metric."""
    evaluation = Evaluation(1, (MetricValue(metric, value, 0, value),))
    line = build_table(report(row(evaluation=evaluation))).splitlines()[1]
    return line.split("28 %")[1].split("34.2 s")[0].strip()


def test_table_of_two_models() -> None:
    table = build_table(
        report(
            row("minilm", "fp32", both(1.0, 1.0)),
            row("minilm", "q8", both(0.99412, 0.975)),
            row("silero_vad", "q8"),
        )
    )
    assert_golden("report/table.txt", table)


def test_table_of_hostile_names() -> None:
    table = build_table(report(row("模型\x1b[2J", "q8\n"), row("e\u0301té\u202e", "q8")))
    assert_golden("report/table-hostile.txt", table)


def test_table_without_variants_is_empty() -> None:
    assert build_table(report()) == ""


def test_table_shows_only_metrics_that_a_variant_has() -> None:
    heading = build_table(report(row(evaluation=cosine(0.99)))).splitlines()[0]
    assert heading.split()[6:] == ["shared", "cosine", "time", "cache"]


def test_table_of_normal_names_fits_100_columns() -> None:
    table = build_table(report(row("sentence_encoder", "q8", both(0.99412, 0.975))))
    assert max(map(display_width, table.splitlines())) <= 100


def test_table_is_plain_unless_a_palette_is_given() -> None:
    assert "\x1b" not in build_table(report(row()))
    assert "\x1b[2mmodel" in build_table(report(row()), ansi)


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("cosine", 1.0, "1.0000"),
        ("cosine", 0.99999, "0.9999"),
        ("cosine", -0.5, "-0.5000"),
        ("cosine", math.nan, "NaN"),
        ("top1_agreement", 1.0, "100 %"),
        ("top1_agreement", 0.9999, "99.9 %"),
        ("top1_agreement", 0.0, "0.0 %"),
        ("max_abs_error", 0.01234, "0.012"),
        ("max_abs_error", 0.0, "0"),
        ("max_abs_error", math.inf, "inf"),
    ],
)
def test_table_never_rounds_agreement_up(metric: str, value: float, shown: str) -> None:
    assert cell(metric, value) == shown


def test_table_figures_of_another_domain_follow_the_others() -> None:
    own = MetricValue("cosine", 0.99412, 0, 0.9)
    elsewhere = MetricValue("cosine", 0.98765, 0, 0.9)
    table = build_table(report(row(evaluation=Evaluation(1, (own,), (elsewhere,))), row("a", "b")))
    heading, first, second = table.splitlines()[:3]
    assert "cosine  cosine, other" in heading
    assert "0.9941         0.9876" in first
    assert second.count("–") == 2
