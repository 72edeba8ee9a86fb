from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.preprocessor import read_preprocessor
from modelpack.spec.golden import ImageLayout

MEAN = [0.485, 0.456, 0.406]


def read(folder: Path, config: object) -> ImageLayout:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(config))
    return read_preprocessor(path, ImageLayout(color="bgr"))


def test_read_preprocessor_of_a_vision_transformer(tmp_path: Path) -> None:
    config = {
        "do_resize": True,
        "size": {"height": 224, "width": 192},
        "resample": 3,
        "do_normalize": True,
        "image_mean": MEAN,
        "image_std": [0.5, 0.5, 0.5],
        "image_processor_type": "ViTImageProcessor",
    }
    assert read(tmp_path, config) == ImageLayout(
        size=(224, 192),
        range=(0, 1),
        mean=tuple(MEAN),
        std=(0.5, 0.5, 0.5),
        color="bgr",
        resample="bicubic",
    )


def test_read_preprocessor_with_shortest_edge_and_crop(tmp_path: Path) -> None:
    config = {"size": {"shortest_edge": 256}, "do_center_crop": True, "crop_size": 224}
    found = read(tmp_path, config)
    assert (found.size, found.crop) == ((256,), (224, 224))


def test_read_preprocessor_that_does_nothing(tmp_path: Path) -> None:
    config = {"do_resize": False, "size": 7, "do_rescale": False, "do_normalize": False}
    assert read(tmp_path, {**config, "image_mean": MEAN}) == ImageLayout(
        range=(0, 255), color="bgr"
    )


def test_read_preprocessor_rescale_factor_is_the_range(tmp_path: Path) -> None:
    assert read(tmp_path, {"rescale_factor": 2 / 255}).range == (0, 2)


@pytest.mark.parametrize("config", [[], {"size": "big"}, {"resample": 9}])
def test_read_preprocessor_of_something_else_fails(tmp_path: Path, config: object) -> None:
    with pytest.raises(StepError, match=r"MP-E501 preprocessor_config\.json: not a preproc"):
        read(tmp_path, config)
