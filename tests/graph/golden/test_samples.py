from __future__ import annotations

from pathlib import Path

import numpy as np

from modelpack.digest import digest_file
from modelpack.graph.golden.samples import read_samples, write_samples
from tests.support.golden_sets import sample

NAMES = ("input:0/a", "flag")


def test_write_samples_of_different_shapes_are_read_back(tmp_path: Path) -> None:
    samples = [
        sample(
            3, **{"input:0/a": np.arange(6, dtype=np.float32).reshape(1, 6), "flag": np.array(True)}
        ),
        sample(8, **{"input:0/a": np.zeros((2, 0), np.float32), "flag": np.array(False)}),
    ]
    read = read_samples(write_samples(tmp_path / "fit.npz", NAMES, samples))
    assert [each.position for each in read] == [3, 8]
    assert read[0].feeds["input:0/a"].tolist() == [[0, 1, 2, 3, 4, 5]]
    assert read[0].feeds["flag"].shape == ()
    assert read[1].feeds["input:0/a"].shape == (2, 0)
    assert [each.digest for each in read] == [each.digest for each in samples]


def test_write_samples_none_are_read_back(tmp_path: Path) -> None:
    assert read_samples(write_samples(tmp_path / "tune.npz", NAMES, [])) == ()


def test_write_samples_same_samples_give_same_bytes(tmp_path: Path) -> None:
    samples = [sample(0, **{"input:0/a": np.ones(3, np.float32), "flag": np.array(True)})]
    paths = [write_samples(tmp_path / f"{number}.npz", NAMES, samples) for number in range(2)]
    assert digest_file(paths[0]) == digest_file(paths[1])
    assert b"\x00\x00\x21\x00" in paths[0].read_bytes()[:30]  # 1980-01-01 00:00 as zip writes it


def test_write_samples_memory_order_does_not_matter(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    paths = [
        write_samples(tmp_path / name, ["x"], [sample(0, x=each)])
        for name, each in (("c.npz", array), ("f.npz", np.asfortranarray(array)))
    ]
    assert digest_file(paths[0]) == digest_file(paths[1])


def test_digest_position_does_not_count() -> None:
    assert sample(0, x=np.ones(2)).digest == sample(7, x=np.ones(2)).digest


def test_digest_shape_and_type_count() -> None:
    digests = {
        sample(0, x=np.zeros((2, 1), np.int32)).digest,
        sample(0, x=np.zeros((1, 2), np.int32)).digest,
        sample(0, x=np.zeros((1, 2), np.float32)).digest,
    }
    assert len(digests) == 3
