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


def test_golden_text_leaves_the_best_samples_out() -> None:
    rows = tuple(SampleFigures(at, "", (float(at != 1), 1.0)) for at in range(4))
    metrics = (MetricValue("top1_agreement", 0.75, 1, 0.0), MetricValue("cosine", 1.0, 0, 1.0))
    found = EvaluatedSamples(4, metrics, rows)
    assert golden_text({"digits@q8": found}, 3).splitlines()[2:] == [
        "  top1_agreement   0.75  –     1 (0)",
        "  cosine              1  –     none: all are alike",
    ]
