from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelpack.digest import digest_file
from modelpack.errors import StepError
from modelpack.graph.golden.samples import read_samples
from modelpack.planned import GoldenParams
from modelpack.record import ValueFacts
from modelpack.steps import golden
from modelpack.steps.contract import StepOutput
from tests.support.golden_sets import (
    IDS,
    IMAGE,
    MASK,
    positions,
    write_arrays,
    write_facts,
    write_texts,
    write_tokenizer,
)
from tests.support.step_runs import measured, path_of, step_input

NPZ = GoldenParams("npz", ())
X = ValueFacts("x", "float32", ("batch", 2))


def run_arrays(folder: Path, *inputs: ValueFacts, **arrays: np.ndarray) -> StepOutput:
    samples = write_arrays(folder / "samples.npz", **arrays)
    return golden.run(step_input(NPZ, folder, samples=samples, facts=write_facts(folder, *inputs)))


def test_run_writes_three_parts_that_hold_every_sample(tmp_path: Path) -> None:
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    output = run_arrays(tmp_path, X, x=x)
    parts = {role: read_samples(path_of(output, role)) for role in ("fit", "tune", "judge")}
    assert sorted(positions(sum(parts.values(), ()))) == list(range(20))
    assert measured(output) == {f"{role}Samples": len(found) for role, found in parts.items()}
    for sample in parts["judge"]:
        assert sample.feeds["x"].tolist() == [x[sample.position].tolist()]


def test_run_single_sample_judges(tmp_path: Path) -> None:
    output = run_arrays(tmp_path, X, x=np.ones((1, 2), np.float32))
    assert measured(output) == {"fitSamples": 0, "tuneSamples": 0, "judgeSamples": 1}


def test_run_repeated_samples_count_once_with_a_note(tmp_path: Path) -> None:
    output = run_arrays(tmp_path, X, x=np.ones((4, 2), np.float32))
    assert measured(output)["judgeSamples"] == 1
    assert output.notes == ("3 of 4 samples repeat another and count once",)


def test_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    outputs = [run_arrays(tmp_path, X, x=x) for _ in range(2)]
    first, second = ([digest_file(file.path) for file in output.files] for output in outputs)
    assert first == second


def test_run_no_samples_fails(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"MP-E501 samples\.npz: found no samples"):
        run_arrays(tmp_path, X, x=np.zeros((0, 2), np.float32))


def test_run_nan_names_the_sample(tmp_path: Path) -> None:
    x = np.ones((3, 2), np.float32)
    x[2, 0] = np.nan
    with pytest.raises(StepError, match=r"MP-E502 samples\.npz sample 2: x holds NaN or infinity"):
        run_arrays(tmp_path, X, x=x)


def test_run_wrong_type_shows_expected_beside_found(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        run_arrays(tmp_path, X, x=np.ones((3, 2)))
    assert str(caught.value) == (
        "MP-E502 samples.npz sample 0: expected x float32 [batch, 2], found float64 [1, 2] — "
        "convert it to x float32 [batch, 2]"
    )


def test_run_fixed_dimension_is_expected_of_samples(tmp_path: Path) -> None:
    samples = write_arrays(tmp_path / "s.npz", input_ids=np.ones((3, 64), np.int64))
    params = GoldenParams("npz", (("sequence", 128),))
    step = step_input(params, tmp_path, samples=samples, facts=write_facts(tmp_path, IDS))
    with pytest.raises(
        StepError, match=r"expected input_ids int64 \[batch, 128\], found int64 \[1, 64\]"
    ):
        golden.run(step)


def test_run_texts_become_samples(tmp_path: Path) -> None:
    step = step_input(
        GoldenParams("jsonl", ()),
        tmp_path,
        samples=write_texts(
            tmp_path / "s.jsonl", "a cat", {"text": "small", "text_pair": "dog"}, "dog"
        ),
        tokenizer=write_tokenizer(tmp_path / "tokenizer.json"),
        facts=write_facts(tmp_path, IDS, MASK),
    )
    output = golden.run(step)
    found = {
        sample.position: sample.feeds["input_ids"].tolist()
        for role in ("fit", "tune", "judge")
        for sample in read_samples(path_of(output, role))
    }
    assert found == {0: [[2, 4, 6, 3]], 1: [[2, 5, 3, 7, 3]], 2: [[2, 7, 3]]}


def test_run_texts_in_fixed_dimension_are_padded(tmp_path: Path) -> None:
    step = step_input(
        GoldenParams("jsonl", (("sequence", 5),)),
        tmp_path,
        samples=write_texts(tmp_path / "s.jsonl", "cat"),
        tokenizer=write_tokenizer(tmp_path / "tokenizer.json"),
        facts=write_facts(tmp_path, IDS),
    )
    (sample,) = read_samples(path_of(golden.run(step), "judge"))
    assert sample.feeds["input_ids"].tolist() == [[2, 6, 3, 0, 0]]


def test_run_texts_without_tokenizer_name_the_key(tmp_path: Path) -> None:
    step = step_input(
        GoldenParams("jsonl", ()),
        tmp_path,
        samples=write_texts(tmp_path / "s.jsonl", "cat"),
        facts=write_facts(tmp_path, IDS),
    )
    with pytest.raises(StepError) as caught:
        golden.run(step)
    assert caught.value.remedy == 'set golden.tokenizer = "path/to/tokenizer.json"'


def test_run_model_with_two_inputs_keeps_pairs_together(tmp_path: Path) -> None:
    image = np.arange(10, dtype=np.float32)[:, None, None, None] * np.ones((1, 3, 4, 4), np.float32)
    output = run_arrays(tmp_path, IMAGE, X, image=image, x=image[:, 0, 0, :2].copy())
    for sample in read_samples(path_of(output, "judge")):
        assert (
            float(sample.feeds["image"].max()) == float(sample.feeds["x"].max()) == sample.position
        )
