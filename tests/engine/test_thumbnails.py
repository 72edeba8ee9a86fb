from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from modelpack.engine.thumbnails import thumbnails
from modelpack.graph.golden.samples import Sample, write_samples

Image = pytest.importorskip("PIL.Image")


def drawn(
    folder: Path, *arrays: object, stepped: bool = False, is_bgr: bool = False
) -> dict[int, bytes]:
    """The thumbnails of samples at 3, 4, … with one input each."""
    steps = frozenset({"x"}) if stepped else frozenset()
    samples = [
        Sample(position, {"x": np.asarray(array)}, stepped=steps)
        for position, array in enumerate(arrays, 3)
    ]
    return thumbnails(write_samples(folder / "judge.npz", ["x"], samples), is_bgr=is_bgr)


def opened(content: bytes) -> tuple[tuple[int, int], list[list[int]]]:
    """Its size, and its first row of pixels."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    row = np.asarray(picture)[0].tolist()
    return picture.size, row


def gradient(*shape: int) -> object:
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def test_thumbnails_of_gray_pictures_reach_from_black_to_white(tmp_path: Path) -> None:
    found = drawn(tmp_path, gradient(1, 1, 8, 8))
    assert list(found) == [3]
    size, row = opened(found[3])
    assert size == (8, 8)
    assert row[0][0] < 30


def test_thumbnails_are_at_most_64_pixels_wide_and_high(tmp_path: Path) -> None:
    found = drawn(tmp_path, gradient(1, 3, 240, 320))
    assert opened(found[3])[0] == (64, 48)
    assert len(found[3]) < 3_000


@pytest.mark.parametrize(("is_bgr", "strongest"), [(False, 0), (True, 2)])
def test_thumbnails_keep_colours(tmp_path: Path, *, is_bgr: bool, strongest: int) -> None:
    picture = np.zeros((1, 16, 16, 3), np.float32)
    picture[..., 0] = 1
    _, row = opened(drawn(tmp_path, picture, is_bgr=is_bgr)[3])
    assert int(np.argmax(row[8])) == strongest


@pytest.mark.parametrize(
    "shape",
    [(1, 64), (1, 2, 8, 8), (1, 1, 2, 64), (2, 3, 8, 8)],
    ids=["row", "two", "flat", "batch"],
)
def test_thumbnails_of_what_is_no_picture_are_none(tmp_path: Path, shape: tuple[int, ...]) -> None:
    assert drawn(tmp_path, gradient(*shape)) == {}


def test_thumbnails_of_steps_are_none(tmp_path: Path) -> None:
    assert drawn(tmp_path, gradient(3, 1, 8, 8), stepped=True) == {}
