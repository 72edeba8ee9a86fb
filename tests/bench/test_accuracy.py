from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelpack.bench.accuracy import Judging, judge_outputs
from modelpack.bench.packs import Feeds, encode_feeds
from modelpack.errors import StepError
from modelpack.graph.golden.samples import write_samples
from modelpack.graph.sessions import open_session, run_session
from modelpack.planned import EvaluateParams
from modelpack.record import Evaluation
from tests.support.golden_sets import sample
from tests.support.onnx_models import mlp, weights_like, write
from tests.support.step_runs import step_input


def judged(folder: Path, change: float, *, most: int = 3) -> Evaluation:
    """How outputs that are off by `change` in their first number are judged."""
    graph = write(mlp(), folder / "model.onnx")
    samples = [sample(n, x=weights_like(n, 1, 32)) for n in range(3)]
    judge = write_samples(folder / "judge.npz", ["x"], samples)
    session = open_session(graph)
    (folder / "outputs").mkdir()
    for index, one in enumerate(samples[:most]):
        outputs = {name: array.copy() for name, array in run_session(session, one.feeds).items()}
        outputs["logits"].ravel()[0] += change
        (folder / "outputs" / str(index)).write_bytes(encode_feeds(Feeds({}, (outputs,))))
    step = step_input(EvaluateParams((), (), ("sqnr",)), folder, reference=graph, judge=judge)
    return judge_outputs(Judging(step, folder / "outputs"))


def figures(evaluation: Evaluation) -> dict[str, float]:
    return {metric.metric: metric.value for metric in evaluation.metrics}


def test_judge_outputs_of_the_same_numbers_is_perfect(tmp_path: Path) -> None:
    found = judged(tmp_path, 0)
    assert (found.samples, figures(found)["max_abs_error"]) == (3, 0)
    assert list(figures(found)) == ["cosine", "max_abs_error", "sqnr", "top1_agreement"]


def test_judge_outputs_finds_what_the_browser_got_wrong(tmp_path: Path) -> None:
    assert figures(judged(tmp_path, 100))["max_abs_error"] == pytest.approx(100, rel=1e-3)


def test_judge_outputs_that_are_not_finite_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="MP-E804 sample 0: logits is not finite in the browser"):
        judged(tmp_path, np.nan)


def test_judge_outputs_that_never_came_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="MP-E804 sample 2: the page sent no outputs"):
        judged(tmp_path, 0, most=2)
