"""A Hugging Face `preprocessor_config.json` as an ImageLayout.

The fields: https://huggingface.co/docs/transformers/main_classes/image_processor (read 2026-11).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from modelpack.errors import StepError
from modelpack.spec.golden import ImageLayout

_Resample = Literal["nearest", "bilinear", "bicubic", "lanczos"]
_RESAMPLE: dict[int, _Resample] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}


class _Size(msgspec.Struct, frozen=True):
    height: int | None = None
    width: int | None = None
    shortest_edge: int | None = None

    def numbers(self) -> tuple[int, ...]:
        if self.shortest_edge is not None:
            return (self.shortest_edge,)
        if self.height is None or self.width is None:
            return ()
        return (self.height, self.width)


class _Config(msgspec.Struct, frozen=True):
    do_resize: bool = True
    size: _Size | int | None = None
    resample: int = 2
    do_center_crop: bool = False
    crop_size: _Size | int | None = None
    do_rescale: bool = True
    rescale_factor: float = 1 / 255
    do_normalize: bool = True
    image_mean: tuple[float, ...] = ()
    image_std: tuple[float, ...] = ()


def read_preprocessor(path: Path, layout: ImageLayout) -> ImageLayout:
    """`layout` with what the file says about size, crop, range, mean and std.

    Raises: StepError MP-E501 if the file is not a preprocessor_config.json.
    """
    try:
        config = msgspec.json.decode(path.read_bytes(), type=_Config)
        resample = _RESAMPLE[config.resample]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as err:
        raise StepError(
            "MP-E501",
            f"not a preprocessor_config.json ({err})",
            where=path.name,
            remedy="use the one that belongs to the model, or set size, mean and std yourself",
        ) from err
    crop = _numbers(config.crop_size) if config.do_center_crop else ()
    return msgspec.structs.replace(
        layout,
        size=_numbers(config.size) if config.do_resize else (),
        crop=crop * 2 if len(crop) == 1 else crop,
        range=(0.0, 255 * config.rescale_factor if config.do_rescale else 255.0),
        mean=config.image_mean if config.do_normalize else (),
        std=config.image_std if config.do_normalize else (),
        resample=resample,
    )


def _numbers(size: _Size | int | None) -> tuple[int, ...]:
    if size is None:
        return ()
    return (size,) if isinstance(size, int) else size.numbers()
