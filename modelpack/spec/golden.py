"""The samples that say what is still good enough, and how files become inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from modelpack.spec.limits import MetricFunction, MetricLimit
from modelpack.spec.sources import Export, Source


class StatePair(Struct, frozen=True):
    """State the page carries from call to call: what `output` gave is what `input` gets next."""

    input: str
    output: str


class ImageLayout(Struct, frozen=True, tag="image"):
    """How a picture becomes an input: resized, cropped, scaled, normalised, in that order.

    `size` and `crop` are (height, width); a `size` with one number is that of the shorter side. `range` is what 0 and 255
    become. Empty `mean` and `std` normalise nothing; an empty `layout` or `color` follows the model's input.
    """

    size: tuple[int, ...] = ()
    crop: tuple[int, ...] = ()
    range: tuple[float, ...] = (0.0, 1.0)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    layout: Literal["", "nchw", "nhwc"] = ""
    color: Literal["", "rgb", "bgr", "gray"] = ""
    resample: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    constants: tuple[tuple[str, float], ...] = ()


class AudioLayout(Struct, frozen=True, tag="audio"):
    """How a recording becomes an input: mono at `sample_rate_hz`, whole (`frame` 0), or as steps of `frame` samples.

    Each step begins with the `context` samples before its frame.
    """

    sample_rate_hz: int = 16000
    frame: int = 0
    context: int = 0
    constants: tuple[tuple[str, float], ...] = ()


class RawLayout(Struct, frozen=True, tag="raw"):
    """How the bytes of a file become an input.

    With neither `first` nor `last` they are the input's elements, little-endian. Else each byte is one element: the
    `first` bytes, then the `last`, filled up with `padding`; `strip` drops white space at either end of the file first,
    inside its outer `block` bytes.
    """

    first: int = 0
    last: int = 0
    padding: int = 0
    strip: bool = False
    block: int = 4096
    constants: tuple[tuple[str, float], ...] = ()


Preprocess = ImageLayout | AudioLayout | RawLayout


class Reference(Struct, frozen=True):
    """Another model of the project that variants are compared with; the rest is what its first steps need."""

    id: str
    source: Source
    outputs: tuple[str, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    state: tuple[StatePair, ...]
    export: Export = Export()


class Golden(Struct, frozen=True):
    """The samples that define "still good enough". Without `reference`, variants are compared with the original.

    `samples` is a file, or a folder that `preprocess` says how to read (or `preprocessor`, a preprocessor_config.json).
    `other` are samples of another domain, which no limit is for.
    """

    samples: Path
    tokenizer: Path | None
    metrics: tuple[MetricLimit, ...]
    functions: tuple[MetricFunction, ...] = ()
    labels: Path | None = None
    reference: Reference | None = None
    preprocess: Preprocess | None = None
    preprocessor: Path | None = None
    other: Path | None = None
