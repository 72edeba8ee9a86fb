from __future__ import annotations

import math

import msgspec

from modelpack.record import Verdict
from modelpack.report.palette import ansi
from modelpack.report.verdicts import failures_text, verdict_text
from tests.support.golden import assert_golden
from tests.support.reports import cosine, inaccurate, over_download, report, row


def first_line(verdict: Verdict) -> str:
    return verdict_text(verdict).splitlines()[0]


def test_verdict_text_of_a_budget_names_contributors_and_key() -> None:
    assert_golden("report/over-budget.txt", verdict_text(over_download()))


def test_verdict_text_of_accuracy_names_the_worst_sample() -> None:
    text = verdict_text(inaccurate(), cosine(0.962, worst=0.412, sample=131))
    assert_golden("report/inaccurate.txt", text)


def test_verdict_text_of_an_unmeasured_limit_says_how_to_measure_it() -> None:
    assert_golden("report/unmeasured.txt", verdict_text(inaccurate(None)))


def test_verdict_text_of_chunks_counts() -> None:
    verdict = Verdict(
        model="minilm",
        variant="q8",
        quantity="chunks",
        comparison="<=",
        limit=60.0,
        measured=61,
        passed=False,
        hints="error",
        key="models.minilm.budget.chunks",
    )
    assert first_line(verdict) == (
        "MP-E601 models.minilm.budget.chunks: minilm@q8 has 61 chunks; expected at most 60 (1 over)"
    )


def test_verdict_text_of_accuracy_rounds_the_difference_only() -> None:
    verdict = msgspec.structs.replace(inaccurate(0.9999876359418338), limit=0.99999)
    assert first_line(verdict).endswith(
        "has cosine 0.999988; expected at least 0.99999 (2.4e-06 under)"
    )


def test_verdict_text_of_almost_the_limit_never_reads_as_the_limit() -> None:
    verdict = msgspec.structs.replace(inaccurate(0.99999994), limit=1.0)
    assert first_line(verdict).endswith("has cosine 0.99999994; expected at least 1 (6e-08 under)")


def test_verdict_text_of_a_warning_says_so() -> None:
    assert first_line(over_download("warning")).startswith("warning MP-E601 models.minilm.")


def test_verdict_text_of_nan_has_no_difference() -> None:
    assert first_line(inaccurate(math.nan)).endswith("has cosine NaN; expected at least 0.99")


def test_verdict_text_neutralises_tensor_names() -> None:
    hostile = msgspec.structs.replace(over_download(), contributors=(("w\x1b[2J", 5),))
    assert "  largest  5 B  w\\x1b[2J" in verdict_text(hostile).splitlines()


def test_verdict_text_colours_errors_and_warnings_apart() -> None:
    assert verdict_text(over_download(), None, ansi).startswith("\x1b[31mMP-E601")
    assert verdict_text(over_download("warning"), None, ansi).startswith("\x1b[33mwarning")


def test_failures_text_leaves_out_what_holds() -> None:
    holds = msgspec.structs.replace(over_download(), passed=True)
    assert failures_text(report(row(), verdicts=(holds,))) == ""


def test_failures_text_finds_the_evaluation_of_each_variant() -> None:
    rows = (row(variant="fp32"), row(variant="q8", evaluation=cosine(0.962, sample=131)))
    assert "sample 131" in failures_text(report(*rows, verdicts=(inaccurate(),)))
