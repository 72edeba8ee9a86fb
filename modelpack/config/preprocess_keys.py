"""The keys of `golden.preprocess`: how the files of a folder become inputs."""

from __future__ import annotations

from typing import Literal, get_args

from modelpack.config.containers import Key, MapOf, Table
from modelpack.config.fields import Choice, Count, PathField, Text
from modelpack.config.flag_field import Flag
from modelpack.config.numbers_field import Number, Numbers

_MAX_PIXELS = 16_384
_MAX_BYTES = 1 << 24
Layout = Literal["nchw", "nhwc"]
Color = Literal["rgb", "bgr", "gray"]
Resample = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Kind = Literal["image", "audio", "raw"]
_INPUT = Text("the name of an input of the graph")

KIND = Key(
    "kind",
    Choice[Kind](get_args(Kind)),
    "What the files of the folder are: pictures, .wav recordings, or bytes.",
    required=True,
)
CONFIG = Key(
    "config",
    PathField("models/preprocessor_config.json", (".json",)),
    "image: a Hugging Face preprocessor_config.json, in place of size, crop, range, mean and std.",
)
IMAGE_SIZE = Key(
    "size",
    Numbers((1, 2), 1, _MAX_PIXELS, whole=True),
    "image: [height, width], or [pixels] of the shorter side.",
)
IMAGE_CROP = Key(
    "crop",
    Numbers((2,), 1, _MAX_PIXELS, whole=True),
    "image: [height, width] that are cut from the middle after resizing.",
)
RANGE = Key("range", Numbers((2,), -1e6, 1e6), "image: what 0 and 255 become.", default=[0.0, 1.0])
MEAN = Key("mean", Numbers((1, 3), -1e6, 1e6), "image: subtracted from each channel.")
STD = Key("std", Numbers((1, 3), 1e-9, 1e6), "image: each channel is divided by it.")
IMAGE_LAYOUT = Key(
    "layout",
    Choice[Layout](get_args(Layout)),
    "image: order of the axes; without it, as the model's input.",
)
COLOR = Key(
    "color",
    Choice[Color](get_args(Color)),
    "image: order of the channels; without it, gray for one channel and rgb for three.",
)
RESAMPLE = Key(
    "resample",
    Choice[Resample](get_args(Resample)),
    "image: how it is resized.",
    default="bilinear",
)
SAMPLE_RATE = Key(
    "sample_rate", Count(1000, 384_000), "audio: hertz that recordings must have.", default=16000
)
FRAME = Key(
    "frame",
    Count(1, _MAX_BYTES),
    "audio: samples of a step; without it, the whole recording is one input.",
)
CONTEXT = Key(
    "context",
    Count(0, _MAX_BYTES),
    "audio: samples before its frame that each step begins with.",
    default=0,
)
FIRST = Key("first", Count(0, _MAX_BYTES), "raw: bytes from the beginning, one element each.")
LAST = Key("last", Count(0, _MAX_BYTES), "raw: bytes from the end, one element each.")
PADDING = Key("padding", Count(0, 65_535), "raw: the element that fills up short files.", default=0)
STRIP = Key(
    "strip",
    Flag(),
    "raw: whether white space at either end of the file is dropped first.",
    default=False,
)
BLOCK = Key(
    "block",
    Count(1, _MAX_BYTES),
    "raw: bytes at either end of the file in which white space is dropped.",
    default=4096,
)
CONSTANTS = Key(
    "constants",
    MapOf(_INPUT, Number(-1e12, 1e12)),
    "Inputs that are the same for every file, such as { sr = 16000 }.",
)

IMAGE_KEYS: tuple[Key[object], ...] = (
    CONFIG,
    IMAGE_SIZE,
    IMAGE_CROP,
    RANGE,
    MEAN,
    STD,
    IMAGE_LAYOUT,
    COLOR,
    RESAMPLE,
)
AUDIO_KEYS: tuple[Key[object], ...] = (SAMPLE_RATE, FRAME, CONTEXT)
RAW_KEYS: tuple[Key[object], ...] = (FIRST, LAST, PADDING, STRIP, BLOCK)
KEYS_OF: dict[str, tuple[Key[object], ...]] = {
    "image": IMAGE_KEYS,
    "audio": AUDIO_KEYS,
    "raw": RAW_KEYS,
}
PREPROCESS = Key(
    "preprocess",
    Table("preprocess", (KIND, *IMAGE_KEYS, *AUDIO_KEYS, *RAW_KEYS, CONSTANTS)),
    "How the files of a folder become inputs.",
)
