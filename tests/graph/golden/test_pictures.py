from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelpack.errors import StepError
from modelpack.graph.golden.pictures import read_picture
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts
from modelpack.spec.golden import ImageLayout

RED, BLUE = (255, 0, 0), (0, 0, 255)
NCHW = ValueFacts("image", "float32", ("batch", 3, None, None))
NHWC = ValueFacts("image", "uint8", (1, 2, 2, 3))
GRAY = ValueFacts("image", "float32", (1, 1, 2, 2))


def halves(folder: Path, width: int = 4, height: int = 2) -> Path:
    """A picture whose left half is red and right half blue."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    picture.save(folder / "a.png")
    return folder / "a.png"


def read(path: Path, value: ValueFacts = NCHW, layout: ImageLayout | None = None) -> Array:
    return read_picture(path, value, layout or ImageLayout())


def test_read_picture_is_channels_first_from_0_to_1(tmp_path: Path) -> None:
    found = read(halves(tmp_path))
    assert found.shape == (1, 3, 2, 4)
    assert found.dtype == np.float32
    assert found[0, :, 0].tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]]


def test_read_picture_follows_an_input_with_channels_last(tmp_path: Path) -> None:
    found = read(halves(tmp_path, 2, 2), NHWC, ImageLayout(range=(0, 255)))
    assert found.shape == (1, 2, 2, 3)
    assert found.dtype == np.uint8
    assert found[0, 0].tolist() == [[255, 0, 0], [0, 0, 255]]


def test_read_picture_resizes_to_the_input(tmp_path: Path) -> None:
    value = ValueFacts("image", "float32", (3, 4, 8))
    assert read(halves(tmp_path), value).shape == (3, 4, 8)


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (ImageLayout(size=(6, 5)), (6, 5)),
        (ImageLayout(size=(4,)), (4, 8)),
        (ImageLayout(crop=(2, 2)), (2, 2)),
        (ImageLayout(size=(4,), crop=(2, 6)), (2, 6)),
        (ImageLayout(crop=(4, 6)), (4, 6)),
    ],
)
def test_read_picture_sizes_are_height_and_width(
    tmp_path: Path, layout: ImageLayout, shape: tuple[int, int]
) -> None:
    assert read(halves(tmp_path), layout=layout).shape[2:] == shape


def test_read_picture_crops_from_the_middle(tmp_path: Path) -> None:
    found = read(halves(tmp_path), layout=ImageLayout(crop=(1, 2)))
    assert found[0, :, 0].tolist() == [[1, 0], [0, 0], [0, 1]]


def test_read_picture_scales_then_normalises(tmp_path: Path) -> None:
    layout = ImageLayout(range=(-1, 1), mean=(0.5, 0, 0), std=(0.5, 1, 2))
    found = read(halves(tmp_path), layout=layout)
    assert found[0, :, 0, 0].tolist() == [1, -1, -0.5]


def test_read_picture_bgr_turns_channels_around(tmp_path: Path) -> None:
    found = read(halves(tmp_path), layout=ImageLayout(color="bgr"))
    assert found[0, :, 0, 0].tolist() == [0, 0, 1]


def test_read_picture_gray_follows_an_input_of_one_channel(tmp_path: Path) -> None:
    found = read(halves(tmp_path, 2, 2), GRAY, ImageLayout(range=(0, 255)))
    assert found.tolist() == [[[[76, 29], [76, 29]]]]  # ITU-R 601: 0.299 red, 0.114 blue


def test_read_picture_of_an_input_that_is_none_fails(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        read(halves(tmp_path), ValueFacts("x", "float32", ("n", 32)))
    assert str(caught.value) == (
        "MP-E502 x float32 [n, 32] is no picture of 1 or 3 channels — "
        'say how it is laid out with golden.preprocess.layout = "nchw" or "nhwc"'
    )


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_read_picture_of_something_else_fails(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(StepError, match=r"MP-E501 a\.png: not a picture that can be read"):
        read(path)


def test_read_picture_that_unpacks_to_too_much_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 7)
    with pytest.raises(StepError, match="DecompressionBombWarning"):
        read(halves(tmp_path))


def test_read_picture_without_pillow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = halves(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(StepError) as caught:
        read(path)
    assert str(caught.value) == (
        "MP-E404 golden.samples: golden pictures need the package Pillow — pip install 'modelpack[golden]'"
    )
