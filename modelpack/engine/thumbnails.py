"""Small pictures of golden samples, for people who look at a report."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.sessions import Array

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST_SAMPLES: Final = 256
_SIDE: Final = 64  # pixels of the longer side; with _QUALITY 0.5 to 1.5 kB each
_QUALITY: Final = 75
_LEAST_SIDE: Final = 6  # fewer rows or columns are a table, not a picture
_CHANNEL_COUNTS: Final = frozenset({1, 3})


def thumbnails(judge: Path, *, is_bgr: bool) -> dict[int, bytes]:
    """WebP pictures by the samples' positions, of a file of `write_samples`; none where samples are no pictures or Pillow is missing.

    What is drawn is the first input that has the shape of a picture, its least value black and its greatest white.
    """
    try:
        import PIL  # noqa: F401, PLC0415 (an extra; only pictures need it)
    except ImportError:
        return {}
    found = ((sample, _pixels(sample)) for sample in read_samples(judge)[:_MOST_SAMPLES])
    return {
        sample.position: _encoded(pixels[:, :, ::-1] if is_bgr else pixels)
        for sample, pixels in found
        if pixels is not None
    }


def _pixels(sample: Sample) -> NDArray[np.uint8] | None:
    """[height, width, 1 or 3], 0 to 255; None where no input is a picture."""
    for name, array in sample.feeds.items():
        picture = None if name in sample.stepped else _as_picture(array)
        if picture is not None:
            low, high = float(picture.min()), float(picture.max())
            scaled = (picture.astype(np.float64) - low) * (255 / ((high - low) or 1))
            return np.rint(scaled).astype(np.uint8)
    return None


def _as_picture(array: Array) -> Array | None:
    """[height, width, channels]: 1. what is in [1, …]; 2. channels first; 3. channels last. None for anything else."""
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[0] in _CHANNEL_COUNTS:
        array = array.transpose(1, 2, 0)
    if array.ndim != 3 or array.shape[2] not in _CHANNEL_COUNTS:
        return None
    return array if min(array.shape[:2]) >= _LEAST_SIDE else None


def _encoded(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image  # noqa: PLC0415

    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    stream = io.BytesIO()
    _sized(picture).save(stream, "WEBP", quality=_QUALITY)
    return stream.getvalue()


def _sized(picture: Image) -> Image:
    """At most `_SIDE` wide and high; a smaller one as it is, for the page to enlarge."""
    picture = picture.copy()
    picture.thumbnail((_SIDE, _SIDE))
    return picture
