from __future__ import annotations

import msgspec
import pytest

from modelpack.report.build import (
    assets_text,
    build_text,
    closing_line,
    errors_text,
    few_samples_text,
    notes_text,
)
from modelpack.report.palette import ansi
from tests.support.golden import assert_golden
from tests.support.reports import Status, both, inaccurate, over_download, report, row


def test_build_text_of_a_good_build() -> None:
    note = "simplify kept the original: its result was 31 % larger"
    rows = (
        row("minilm", "fp32", both(1.0, 1.0), (note,)),
        row("minilm", "q8", both(0.9941, 0.975), (note, "4 weights stay inside the graph")),
    )
    assert_golden("report/build.txt", build_text(report(*rows)))


def test_build_text_of_a_broken_build() -> None:
    broken = report(
        row("minilm", "q8", both(0.962, 0.91)),
        status="inaccurate",
        verdicts=(over_download("warning"), inaccurate()),
    )
    assert_golden("report/build-inaccurate.txt", build_text(broken))


def test_build_text_of_a_failed_build() -> None:
    errors = (
        "MP-E204 models/vad.onnx: the file is empty — fetch it again",
        "MP-E402 quantize:minilm@q8: exceeded 30 min\nTraceback",
    )
    assert_golden("report/build-failed.txt", build_text(report(status="failed", errors=errors)))


def test_build_text_when_nothing_changed() -> None:
    text = build_text(report(status="unchanged"))
    assert text == "nothing changed, checked in 48.3 s: public/models/manifest.json\n"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("built", "built 0 variants of 0 models in 48.3 s: public/models/manifest.json"),
        ("failed", "failed with 0 errors after 48.3 s; nothing was published"),
        ("over-budget", "over budget: 0 limits do not hold; nothing was published"),
        ("inaccurate", "not accurate enough: 0 limits do not hold; nothing was published"),
        ("out-of-date", "out of date, and --frozen builds nothing; nothing was published"),
    ],
)
def test_closing_line_says_what_came_of_it(status: Status, line: str) -> None:
    assert closing_line(report(status=status)) == line


def test_closing_line_counts_limits_that_are_errors() -> None:
    verdicts = (over_download("warning"), over_download())
    line = closing_line(report(status="over-budget", verdicts=verdicts))
    assert line == "over budget: 1 limit does not hold; nothing was published"


def test_closing_line_is_green_or_red() -> None:
    assert closing_line(report(), ansi).startswith("\x1b[32mbuilt")
    assert closing_line(report(status="failed"), ansi).startswith("\x1b[31mfailed")


def test_closing_line_marks_a_development_build() -> None:
    line = closing_line(msgspec.structs.replace(report(), mode="development"))
    assert line.endswith(" for development: public/models/manifest.json")


def test_few_samples_are_said_once_for_a_model() -> None:
    few = msgspec.structs.replace(both(1.0, 1.0), samples=9)
    many = msgspec.structs.replace(few, samples=10)
    rows = (row("a", "fp32", few), row("a", "q8", few), row("b", "q8", many), row("c"))
    assert few_samples_text(rows) == (
        "note a: accuracy is judged on 9 samples only; two of five samples judge, so a golden set of 25 says more\n"
    )


def test_assets_text_counts_them_once_for_a_model() -> None:
    rows = [msgspec.structs.replace(row("a", name), assets_bytes=226_900) for name in ("x", "y")]
    assert assets_text([*rows, row("b")]) == "assets a: 227 kB more when a page asks for them\n"


def test_notes_text_names_the_model_where_a_note_holds_for_all() -> None:
    rows = (row(variant="fp32", notes=("a",)), row(variant="q8", notes=("a", "b")))
    assert notes_text(rows) == "note minilm: a\nnote minilm@q8: b\n"


def test_errors_text_keeps_each_on_one_line() -> None:
    assert errors_text(("MP-E403 a\nb", "other")) == "MP-E403 a\\nb\nother\n"


def test_errors_text_colours_the_code() -> None:
    assert errors_text(("MP-E403 a", "other"), ansi) == (
        "\x1b[31mMP-E403\x1b[0m a\n\x1b[31mother\x1b[0m\n"
    )
