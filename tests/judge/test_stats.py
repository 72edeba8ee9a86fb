from __future__ import annotations

import json

import msgspec
import pytest

from modelpack.errors import UsageError
from modelpack.judge.baseline import Baseline, encode_baseline, parse_baseline
from modelpack.judge.stats import Stats, merged_stats, parse_stats, with_runs
from modelpack.published import VariantStats
from tests.support.checks import published
from tests.support.reports import cosine
from tests.support.runs import MACHINE, run

KEPT, NEW, GONE = "a" * 64, "b" * 64, "c" * 64
MEASURED = VariantStats("f" * 64, cosine(0.98), (("w (int8)", 5),))


def test_merged_stats_are_read_back() -> None:
    content = merged_stats(None, {NEW: MEASURED}, frozenset({NEW}))
    assert parse_stats(content, "stats") == Stats(variants={NEW: MEASURED})


def test_merged_stats_keep_what_is_published_and_drop_the_rest() -> None:
    before = merged_stats(None, {KEPT: MEASURED, GONE: MEASURED}, frozenset({KEPT, GONE}))
    after = merged_stats(before, {NEW: VariantStats()}, frozenset({KEPT, NEW}))
    assert parse_stats(after, "stats").variants == {KEPT: MEASURED}


def test_merged_stats_forget_an_evaluation_that_there_is_none_of_now() -> None:
    before = json.loads(merged_stats(None, {KEPT: MEASURED}, frozenset({KEPT})))
    before["variants"][KEPT]["runs"] = [1]
    after = merged_stats(json.dumps(before).encode(), {KEPT: VariantStats()}, frozenset({KEPT}))
    assert json.loads(after)["variants"] == {KEPT: {"runs": [1]}}


def test_merged_stats_of_the_same_are_the_same_bytes() -> None:
    first = merged_stats(None, {KEPT: MEASURED}, frozenset({KEPT}))
    assert merged_stats(first, {KEPT: MEASURED}, frozenset({KEPT})) == first


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"statsVersion": 2}'])
def test_merged_stats_replace_what_cannot_be_read(content: bytes) -> None:
    after = merged_stats(content, {KEPT: MEASURED}, frozenset({KEPT}))
    assert parse_stats(after, "stats").variants == {KEPT: MEASURED}


def test_baseline_is_read_back() -> None:
    baseline = Baseline(variants={"a@q8": published(1000, 0.99, x=600, y=400)})
    assert parse_baseline(encode_baseline(baseline), "baseline") == baseline


@pytest.mark.parametrize("parse", [parse_baseline, parse_stats])
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"variants": []}'])
def test_parse_of_something_else_is_refused(parse: object, content: bytes) -> None:
    with pytest.raises(UsageError, match=r"MP-E610 file\.json: not "):
        parse(content, "file.json")  # type: ignore[operator]


def test_with_runs_replaces_those_of_the_same_setting() -> None:
    first = with_runs(None, "here", MACHINE, {NEW: (run(p50_s=0.02), run(threads=2))})
    after = parse_stats(with_runs(first, "here", MACHINE, {NEW: (run(p50_s=0.01),)}), "stats")
    assert after.variants[NEW].runs == {"here": (run(p50_s=0.01), run(threads=2))}
    assert after.machines == {"here": MACHINE}


def test_with_runs_keeps_those_of_other_machines_and_what_a_build_wrote() -> None:
    before = merged_stats(None, {KEPT: MEASURED}, frozenset({KEPT}))
    there = with_runs(before, "there", MACHINE, {KEPT: (run(),)})
    after = parse_stats(with_runs(there, "here", MACHINE, {KEPT: (run(),)}), "stats")
    assert after.variants[KEPT] == msgspec.structs.replace(
        MEASURED, runs={"here": (run(),), "there": (run(),)}
    )


def test_merged_stats_keep_runs_and_machines() -> None:
    before = with_runs(None, "here", MACHINE, {KEPT: (run(),)})
    after = parse_stats(merged_stats(before, {KEPT: MEASURED}, frozenset({KEPT})), "stats")
    assert after.variants[KEPT].runs == {"here": (run(),)}
    assert after.machines == {"here": MACHINE}
