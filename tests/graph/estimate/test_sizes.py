from __future__ import annotations

import gzip

import brotli
import numpy as np
import pytest
import zstandard

from modelpack.graph.estimate.sizes import ENCODINGS, added, encoded_sizes, whole_sizes


def test_encoded_sizes_of_integers_are_near_what_the_encoders_give() -> None:
    random = np.random.default_rng(1)
    whole = [
        np.rint(random.standard_normal(size) * spread).astype(np.int8).view(np.uint8)
        for size, spread in ((300_000, 2), (100_000, 12))
    ]
    content = b"".join(one.tobytes() for one in whole)
    found = encoded_sizes(whole, integers=True)
    assert found["raw"] == 400_000
    # A sample, and an entropy in place of brotli 11: two per cent.
    assert found["gzip"] == pytest.approx(len(gzip.compress(content, 9)), rel=0.02)
    assert found["zstd"] == pytest.approx(
        len(zstandard.ZstdCompressor(level=19).compress(content)), rel=0.02
    )
    assert found["br"] == pytest.approx(len(brotli.compress(content, quality=11)), rel=0.03)


def test_encoded_sizes_of_what_does_not_compress_are_the_bytes_themselves() -> None:
    noise = np.frombuffer(np.random.default_rng(2).bytes(100_000), np.uint8)
    assert encoded_sizes([noise], integers=True) == dict.fromkeys(ENCODINGS, 100_000.0)


def test_encoded_sizes_of_nothing_are_nothing() -> None:
    assert encoded_sizes([], integers=False) == dict.fromkeys(ENCODINGS, 0.0)


def test_added_sums_each_encoding() -> None:
    one = whole_sizes(b"a" * 1000)
    assert added([one, one])["raw"] == 2000
    assert added([one, one])["gzip"] < 100
