from __future__ import annotations

import gzip
import random
from pathlib import Path

import brotli
import numpy as np
import pytest
import zstandard

from modelpack.planned import CompressParams
from modelpack.spec.project import Form
from modelpack.steps import compress
from modelpack.steps.contract import InputFiles, StepInput, StepOutput

ALL_FORMS: tuple[tuple[Form, int], ...] = (("gzip", 9), ("zstd", 19), ("br", 11))
TEXT = b"".join(b"%d bottles of beer on the wall\n" % number for number in range(2000))


def run_compress(folder: Path, content: bytes, forms: tuple[tuple[Form, int], ...]) -> StepOutput:
    (folder / "in").write_bytes(content)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    files = (InputFiles("chunk", (folder / "in",)),)
    return compress.run(StepInput(CompressParams(forms), files, scratch))


def test_compress_text_gives_every_form_and_each_decodes(tmp_path: Path) -> None:
    output = run_compress(tmp_path, TEXT, ALL_FORMS)

    encoded = {file.role: file.path.read_bytes() for file in output.files}
    assert gzip.decompress(encoded["gzip"]) == TEXT
    assert zstandard.ZstdDecompressor().decompress(encoded["zstd"]) == TEXT
    assert brotli.decompress(encoded["br"]) == TEXT


def test_compress_noise_gives_no_form_but_measures_it(tmp_path: Path) -> None:
    output = run_compress(tmp_path, random.Random(0).randbytes(100_000), ALL_FORMS)

    assert output.files == ()
    assert [measurement.name for measurement in output.measurements] == [
        "gzipBytes",
        "zstdBytes",
        "brBytes",
    ]


def test_compress_gzip_header_names_no_time_and_no_system(tmp_path: Path) -> None:
    (file,) = run_compress(tmp_path, TEXT, (("gzip", 9),)).files

    assert file.path.read_bytes()[:10] == bytes.fromhex("1f8b08000000000000ff")


@pytest.mark.parametrize(
    ("plain", "encoded", "expected"),
    [
        (10_000, 5904, True),
        (10_000, 5905, False),  # saves 4095 bytes
        (1_000_000, 950_000, True),
        (1_000_000, 950_001, False),  # saves less than 5 %
    ],
)
def test_compress_is_worth_it_at_the_boundaries(plain: int, encoded: int, expected: bool) -> None:
    assert compress.is_worth_it(plain, encoded) is expected


def test_compress_zstd_window_is_one_that_browsers_decode(tmp_path: Path) -> None:
    content = bytes(16 << 20)

    (file,) = run_compress(tmp_path, content, (("zstd", 22),)).files

    parameters = zstandard.get_frame_parameters(file.path.read_bytes())
    assert parameters.content_size == 16 << 20
    assert parameters.window_size <= 8 << 20


def test_encode_zstd_is_not_misled_by_a_quiet_start() -> None:
    numbers = np.random.default_rng(0).normal(0, 1.2, (1 << 15, 24))
    numbers[:1000] *= 0.2  # level 19 takes such rows for the rule, and loses 12 %
    content = np.rint(numbers).astype(np.int8).tobytes()
    encoded = compress.encode("zstd", 19, content)
    assert zstandard.ZstdDecompressor().decompress(encoded) == content
    assert len(encoded) < 0.95 * len(zstandard.ZstdCompressor(level=19).compress(content))


def test_encode_zstd_is_never_larger_than_its_level() -> None:
    content = np.arange(1 << 16, dtype=np.int32).tobytes() + 100 * TEXT
    usual = zstandard.ZstdCompressor(level=19).compress(content)
    assert len(compress.encode("zstd", 19, content)) <= len(usual)
