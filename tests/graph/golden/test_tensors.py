from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.tensors import read_tensors
from modelpack.record import ValueFacts
from modelpack.spec.golden import StatePair
from tests.support.golden_sets import IDS, IMAGE, MASK, write_arrays


def test_read_tensors_of_the_inputs_rank_become_batches_of_one(tmp_path: Path) -> None:
    path = write_arrays(
        tmp_path / "s.npz", image=np.arange(96, dtype=np.float32).reshape(2, 3, 4, 4)
    )
    samples = read_tensors(path, [IMAGE])
    assert [sample.feeds["image"].shape for sample in samples] == [(1, 3, 4, 4)] * 2
    assert samples[1].feeds["image"][0, 0, 0, 0] == 48


def test_read_tensors_with_one_axis_more_become_what_they_hold(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "s.npz", image=np.zeros((5, 2, 3, 4, 4), np.float32))
    samples = read_tensors(path, [IMAGE])
    assert [sample.feeds["image"].shape for sample in samples] == [(2, 3, 4, 4)] * 5
    assert [sample.position for sample in samples] == [0, 1, 2, 3, 4]


def test_read_tensors_scalar_input_takes_one_number_each(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "s.npz", sr=np.array([16000, 8000], np.int64))
    samples = read_tensors(path, [ValueFacts("sr", "int64", ())])
    assert [sample.feeds["sr"].shape for sample in samples] == [(), ()]
    assert [int(sample.feeds["sr"]) for sample in samples] == [16000, 8000]


def test_read_tensors_missing_input_fails(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "s.npz", input_ids=np.zeros((2, 4), np.int64))
    with pytest.raises(
        StepError, match="expected arrays attention_mask, input_ids; found input_ids"
    ):
        read_tensors(path, [IDS, MASK])


def test_read_tensors_different_counts_fail(tmp_path: Path) -> None:
    arrays = {"input_ids": np.zeros((2, 4), np.int64), "attention_mask": np.zeros((3, 4), np.int64)}
    path = write_arrays(tmp_path / "s.npz", **arrays)
    with pytest.raises(
        StepError, match="different numbers of samples: input_ids 2, attention_mask 3"
    ):
        read_tensors(path, [IDS, MASK])


@pytest.mark.parametrize("shape", [(4,), (2, 2, 2, 4), ()])
def test_read_tensors_wrong_rank_shows_both_sides(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "s.npz", input_ids=np.zeros(shape, np.int64))
    with pytest.raises(StepError) as caught:
        read_tensors(path, [IDS])
    assert caught.value.message == (
        "expected input_ids int64 [batch, sequence] for each sample, so 2 or 3 axes; "
        f"found int64 {list(shape)}"
    )


def test_read_tensors_no_samples_are_none(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "s.npz", input_ids=np.zeros((0, 4), np.int64))
    assert read_tensors(path, [IDS]) == ()


def test_read_tensors_with_state_has_a_steps_axis(tmp_path: Path) -> None:
    inputs = (
        ValueFacts("x", "float32", (1, 2)),
        ValueFacts("state", "float32", (1, 3)),
        ValueFacts("rate", "int64", ()),
    )
    x = np.arange(24, dtype=np.float32).reshape(3, 4, 1, 2)
    path = write_arrays(tmp_path / "g.npz", x=x, rate=np.array([8, 8, 16], np.int64))
    samples = read_tensors(path, inputs, (StatePair("state", "stateN"),))
    assert [len(list(sample.steps())) for sample in samples] == [4, 4, 4]
    assert [step["x"].tolist() for step in samples[1].steps()] == x[1].tolist()
    assert {int(step["rate"]) for step in samples[2].steps()} == {16}
    assert samples[0].stepped == {"x"}


def test_read_tensors_without_state_refuses_steps(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "g.npz", x=np.zeros((3, 4, 1, 2), np.float32))
    with pytest.raises(StepError, match=r"so 2 or 3 axes; found float32 \[3, 4, 1, 2\]"):
        read_tensors(path, (ValueFacts("x", "float32", (1, 2)),))
