from __future__ import annotations

from modelpack.record import StepForecast
from modelpack.report.dry_run import dry_run_json, dry_run_text
from tests.support.golden import assert_golden

FORECASTS = (
    StepForecast("inspect:digits", "cached", "same inputs as before"),
    StepForecast("quantize:digits@q8", "run", "parameter block_size: 32 → 64"),
    StepForecast("split:digits@q8", "unknown", "depends on quantize:digits@q8"),
)


def test_dry_run_text_says_what_would_run_and_why() -> None:
    assert_golden("report/dry-run.txt", dry_run_text(FORECASTS))


def test_dry_run_json_lists_the_same() -> None:
    assert dry_run_json(FORECASTS[:1]) == (
        b'{\n  "steps": [\n    {\n      "reason": "same inputs as before",\n'
        b'      "state": "cached",\n      "step": "inspect:digits"\n    }\n  ]\n}\n'
    )


def test_dry_run_text_counts_unknown_steps_only_where_there_are_some() -> None:
    assert dry_run_text(FORECASTS[:1]).endswith("\n\n0 steps would run, 1 cached\n")
