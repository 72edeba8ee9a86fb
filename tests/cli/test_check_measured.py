"""Limits on what only `bench` measures."""

from __future__ import annotations

import json

import pytest

from modelpack.judge.stats import with_runs
from modelpack.measured import OperatorTime
from tests.support.cli import Answer, modelpack
from tests.support.projects import Project
from tests.support.runs import MACHINE, run

OPERATORS = (OperatorTime("", "MatMul", 0.75, 8192), OperatorTime("", "Gemm", 0.25, 2560))


def check(project: Project, *argv: str) -> Answer:
    return modelpack("check", "words@q8", *argv, "-C", project.folder)


def measure(project: Project, **changes: object) -> None:
    """Puts into the stats what a benchmark would have measured of words@q8."""
    manifest = json.loads((project.output / "manifest.json").read_bytes())
    (digest,) = (
        one["digest"] for one in manifest["models"]["words"]["variants"] if one["id"] == "q8"
    )
    stats = project.folder / "modelpack.stats.json"
    runs = (run(**changes), run(engine="native", device="cpu", operators=OPERATORS))
    stats.write_bytes(with_runs(stats.read_bytes(), "here", MACHINE, {digest: runs}))


@pytest.fixture
def built(project: Project) -> Project:
    assert modelpack("build", "-q", "-C", project.folder).code == 0
    return project


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('memory = "40 MB"', "memory: words@q8 takes 50.0 MB of memory at its peak; expected at most 40.0 MB (10.0 MB over)"),
        ('latency_p50 = "19 ms"', "latency_p50: words@q8 takes 20.0 ms for half of its inferences; expected at most 19.0 ms (1.00 ms over)"),
        ('latency_p95 = { wasm = "20 ms" }', "latency_p95.wasm: words@q8 takes up to 30.0 ms for 95 % of its inferences; expected at most 20.0 ms (10.0 ms over)"),
        ('first_inference = "50 ms"', "first_inference: words@q8 takes 100 ms for its first inference; expected at most 50.0 ms (50.0 ms over)"),
    ],
)  # fmt: skip
def test_check_measured_limit_that_does_not_hold(built: Project, written: str, said: str) -> None:
    built.edit("chunks = 8", written)
    measure(built)
    answer = check(built)
    assert (answer.code, answer.err) == (3, "")
    assert f"MP-E601 models.words.budget.{said}" in answer.out


@pytest.mark.parametrize("quantity", ["memory", "latency_p50", "latency_p95", "first_inference"])
def test_check_measured_limit_that_was_not_measured_says_bench(
    built: Project, quantity: str
) -> None:
    value = "50 MB" if quantity == "memory" else "50 ms"
    built.edit("chunks = 8", f'{quantity} = "{value}"')
    answer = check(built)
    assert answer.code == 3
    assert f"MP-E602 models.words.budget.{quantity}: words@q8 has no measured" in answer.out
    assert "measure  run `modelpack bench words@q8`, or remove the limit" in answer.out


def test_check_measured_limits_that_hold(built: Project) -> None:
    built.edit(
        "chunks = 8",
        'memory = "50 MB"\nlatency_p50 = "20 ms"\nlatency_p95 = "30 ms"\nfirst_inference = "100 ms"',
    )
    measure(built)
    answer = check(built)
    assert (answer.code, answer.err) == (0, "")
    assert "p50" in answer.out.splitlines()[0]
    assert "20.0 ms" in answer.out


def test_check_latency_names_the_slowest_operators(built: Project) -> None:
    built.edit("chunks = 8", 'latency_p50 = "1 ms"')
    measure(built)
    assert "  slowest   75 %  MatMul\n            25 %  Gemm\n" in check(built).out


def test_check_of_another_device_does_not_judge(built: Project) -> None:
    built.edit("chunks = 8", 'latency_p50 = { webgpu = "1 ms" }')
    assert check(built).code == 0


def test_build_does_not_judge_what_only_a_browser_knows(project: Project) -> None:
    project.edit("chunks = 8", 'latency_p50 = "1 ms"')
    assert modelpack("build", "-q", "-C", project.folder).code == 0


def test_baseline_holds_what_was_measured_and_later_checks_compare_with_it(built: Project) -> None:
    built.edit("chunks = 8", 'latency_p95 = "+10%"')
    measure(built)
    assert modelpack("baseline", "update", "-q", "-C", built.folder).code == 0
    measure(built, p95_s=0.033)
    assert check(built).code == 0
    measure(built, p95_s=0.034)
    answer = check(built)
    assert answer.code == 3
    assert "expected at most 33.0 ms, +10 % on the baseline's 30.0 ms (1.00 ms over)" in answer.out


def test_build_keeps_what_was_measured(built: Project) -> None:
    measure(built)
    assert modelpack("build", "--force", "-q", "-C", built.folder).code == 0
    built.edit("chunks = 8", 'latency_p50 = "25 ms"')
    assert check(built).code == 0
