from __future__ import annotations

from modelpack.record import EvaluatedSamples, MetricValue, SampleFigures
from modelpack.report.golden import golden_text
from tests.support.golden import assert_golden

FOUND = EvaluatedSamples(
    3,
    (
        MetricValue("cosine", 0.98, 4, 0.95, 0.961, 0.9912345),
        MetricValue("max_abs_error", 2.5, 9, 2.5),
    ),
    (
        SampleFigures(4, "cats/1.png", (0.95, 0.5)),
        SampleFigures(7, "", (0.99, 0.25)),
        SampleFigures(9, "evil\x1b[2J.png", (1.0, 2.5)),
    ),
)


def test_golden_text_names_the_worst_first() -> None:
    assert_golden("report/golden.txt", golden_text({"faces@q8": FOUND, "faces@q4": FOUND}, 2))
