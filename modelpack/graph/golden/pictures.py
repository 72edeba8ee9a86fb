"""A picture as an input: resized, cropped, scaled, normalised, in that order."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from modelpack.errors import StepError
from modelpack.graph.golden.packages import missing_package
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts
from modelpack.spec.golden import ImageLayout

if TYPE_CHECKING:
    from PIL.Image import Image

_CHANNEL_COUNTS = frozenset({1, 3})


def read_picture(path: Path, value: ValueFacts, layout: ImageLayout) -> Array:
    """The picture as the input wants it: [1, channels, height, width] or [1, height, width, channels], or without the 1.

    1. `size` resizes; a single number is the shorter side. Without it, a size that the model has fixed.
    2. `crop` cuts from the middle.
    3. `range` maps 0 to 255 linearly, then `mean` is subtracted and `std` divided by.
    4. Channels and axes are ordered as `color` and `layout` say, or as the input's shape shows.

    Raises: StepError MP-E404 without Pillow, MP-E501 if the file is no picture, MP-E502 if the input takes none.
    """
    order = layout.layout or _order_of(value)
    color = layout.color or _color_of(value, order)
    picture = _opened(path, "L" if color == "gray" else "RGB")
    sized = _cropped(_resized(picture, value, layout, order), layout.crop)
    pixels = np.asarray(sized, np.float64)  # [height, width] or [height, width, 3]
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if color == "bgr":
        pixels = pixels[:, :, ::-1]
    return _placed(_scaled(pixels, layout), value, order)


def _order_of(value: ValueFacts) -> str:
    """`nchw` where the third axis from the end counts channels, `nhwc` where the last does. Raises: StepError MP-E502."""
    if len(value.shape) in {3, 4}:
        if value.shape[-3] in _CHANNEL_COUNTS:
            return "nchw"
        if value.shape[-1] in _CHANNEL_COUNTS:
            return "nhwc"
    sizes = ", ".join("?" if size is None else str(size) for size in value.shape)
    raise StepError(
        "MP-E502",
        f"{value.name} {value.dtype} [{sizes}] is no picture of 1 or 3 channels",
        remedy='say how it is laid out with golden.preprocess.layout = "nchw" or "nhwc"',
    )


def _color_of(value: ValueFacts, order: str) -> str:
    return "gray" if value.shape[-3 if order == "nchw" else -1] == 1 else "rgb"


def _opened(path: Path, mode: str) -> Image:
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  an extra: most sets have no pictures
    except ImportError as err:
        raise missing_package("pictures", "Pillow") from err
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                converted: Image.Image = picture.convert(mode)
                return converted
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ) as err:
        raise StepError(
            "MP-E501",
            f"not a picture that can be read ({type(err).__name__})",
            where=path.name,
            remedy="keep only pictures in the folder",
        ) from err


def _resized(picture: Image, value: ValueFacts, layout: ImageLayout, order: str) -> Image:
    from PIL import Image  # noqa: PLC0415  `_opened` imported it already

    height, width = _wanted_size(picture, value, layout, order)
    if (width, height) == picture.size:
        return picture
    filters = {
        "nearest": Image.Resampling.NEAREST,
        "bilinear": Image.Resampling.BILINEAR,
        "bicubic": Image.Resampling.BICUBIC,
        "lanczos": Image.Resampling.LANCZOS,
    }
    return picture.resize((width, height), filters[layout.resample])


def _wanted_size(
    picture: Image, value: ValueFacts, layout: ImageLayout, order: str
) -> tuple[int, int]:
    """Height and width."""
    match layout.size:
        case (height, width):
            return height, width
        case (side,):
            ratio = side / min(picture.size)
            return round(picture.height * ratio), round(picture.width * ratio)
    fixed = value.shape[-2:] if order == "nchw" else value.shape[-3:-1]
    match fixed:
        case (int(height), int(width)) if not layout.crop:
            return height, width
    return picture.height, picture.width


def _cropped(picture: Image, crop: tuple[int, ...]) -> Image:
    if not crop:
        return picture
    height, width = crop
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))  # beyond the edge is black


def _scaled(pixels: NDArray[np.float64], layout: ImageLayout) -> NDArray[np.float64]:
    low, high = layout.range
    scaled = low + pixels * ((high - low) / 255)
    if layout.mean:
        scaled = scaled - np.array(layout.mean)
    return scaled / np.array(layout.std) if layout.std else scaled


def _placed(pixels: NDArray[np.float64], value: ValueFacts, order: str) -> Array:
    ordered = pixels.transpose(2, 0, 1) if order == "nchw" else pixels
    if np.dtype(value.dtype).kind in "iu":
        ordered = np.rint(ordered)
    array = np.ascontiguousarray(ordered).astype(value.dtype)
    return array[None] if len(value.shape) == 4 else array
