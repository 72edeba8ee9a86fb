"""One chunk in every form that saves enough to be worth a file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import brotli
import zstandard

from modelpack.decoding import decode
from modelpack.planned import CompressParams
from modelpack.record import Measurement
from modelpack.spec.project import Form
from modelpack.steps.contract import OutputFile, StepInput, StepOutput
from modelpack.units import KIB

MIN_SAVED_SHARE = 0.05  # below it, decoding in the page costs more than the bytes do
MIN_SAVED_BYTES = 4 * KIB  # below it, the answer fits into the same round trip

_BROTLI_WINDOW_BITS = (
    24  # the largest that every browser decodes; larger needs the "large window" format
)
_ZSTD_WINDOW_BITS = 23  # RFC 9659: browsers need not decode a window above 8 MiB
# The strategy of the highest levels takes the first rows of a table for the rule, and goes on looking for matches of three
# or four numbers that cost more than the numbers do. This way MiniLM's entropy-shaped embedding takes 5 to 10 % less.
_ZSTD_FOR_NUMBERS = {"strategy": zstandard.STRATEGY_BTOPT, "min_match": 6}
_ZSTD_PATIENT = 19  # from this level on, a second attempt is worth its time
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, no time, no operating system


def run(step: StepInput[CompressParams]) -> StepOutput:
    """The encoded forms of the chunk that are small enough, each under its form's name."""
    content = step.one("chunk").read_bytes()
    files: list[OutputFile] = []
    measurements: list[Measurement] = []
    for form, level in step.params.forms:
        encoded = encode(form, level, content)
        if decode(form, encoded, len(content)) != content:
            raise AssertionError(f"{form} does not give back what it was given")
        measurements.append(Measurement(f"{form}Bytes", len(encoded)))
        if is_worth_it(len(content), len(encoded)):
            path = step.folder / f"chunk.{form}"
            path.write_bytes(encoded)
            files.append(OutputFile(form, path))
    return StepOutput(tuple(files), tuple(measurements))


def encode(form: Form, level: int, content: bytes) -> bytes:
    """`content` in that form: the same bytes for the same library, whatever the day or the machine."""
    match form:
        case "gzip":
            return _gzip(level, content)
        case "zstd":
            return _zstd(level, content)
        case "br":
            encoded: bytes = brotli.compress(content, quality=level, lgwin=_BROTLI_WINDOW_BITS)
            return encoded


def is_worth_it(plain_bytes: int, encoded_bytes: int) -> bool:
    """Whether the form saves both the least share and the least number of bytes."""
    saved_bytes = plain_bytes - encoded_bytes
    return saved_bytes >= MIN_SAVED_BYTES and saved_bytes >= MIN_SAVED_SHARE * plain_bytes


def _gzip(level: int, content: bytes) -> bytes:
    # gzip.compress writes another header byte on every version of Python.
    encoder = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    trailer = struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
    return _GZIP_HEADER + encoder.compress(content) + encoder.flush() + trailer


def _zstd(level: int, content: bytes) -> bytes:
    """The smallest of the ways to look for matches that the level is worth."""
    guessed = zstandard.ZstdCompressionParameters.from_level(level, source_size=len(content))
    window = {"window_log": min(guessed.window_log, _ZSTD_WINDOW_BITS)}
    ways = (window, {**window, **_ZSTD_FOR_NUMBERS}) if level >= _ZSTD_PATIENT else (window,)
    return min((_zstd_way(level, content, way) for way in ways), key=len)


def _zstd_way(level: int, content: bytes, way: Mapping[str, int]) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, source_size=len(content), write_content_size=True, **way
    )
    return zstandard.ZstdCompressor(compression_params=parameters).compress(content)
