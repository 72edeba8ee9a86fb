"""What bytes come to in each encoding, from samples of them.

1. Weights of one kind are sampled together, each in proportion to its bytes, and compressed as the build would: gzip 9 and
   zstd 19 of a megabyte take a fraction of a second.
2. Brotli 11 gets to the order-0 entropy of integers (docs/figures-variants.md), which a histogram gives; on floats it gets as
   far as zstd.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import zstandard
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
ENCODINGS: Final = ("raw", "gzip", "zstd", "br")
_SAMPLE_BYTES: Final = 1 << 20
_PIECES: Final = 4  # of a weight: its rows are not alike
_BROTLI_OVER_ENTROPY: Final = 1.005
_LEAST_SAVED_SHARE: Final = 0.05  # both as the step `compress` has them
_LEAST_SAVED_BYTES: Final = 4096


def encoded_sizes(weights: Sequence[Bytes], *, integers: bool) -> dict[str, float]:
    """The bytes that these weights come to in each encoding."""
    total = sum(len(weight) for weight in weights)
    if not total:
        return dict.fromkeys(ENCODINGS, 0.0)
    sample = _sampled(weights, total)
    found = {"raw": float(total)}
    found["gzip"] = total * min(1.0, len(gzip.compress(sample, 9, mtime=0)) / len(sample))
    compressed = zstandard.ZstdCompressor(level=19).compress(sample)
    found["zstd"] = total * min(1.0, len(compressed) / len(sample))
    found["br"] = found["zstd"]
    if integers:
        entropy = sum(_entropy_bytes(weight) for weight in weights) * _BROTLI_OVER_ENTROPY
        found["br"] = min(entropy, found["zstd"])
    # A build keeps a form only where it pays.
    worth = min(total * (1 - _LEAST_SAVED_SHARE), total - _LEAST_SAVED_BYTES)
    return {name: size if size <= worth else float(total) for name, size in found.items()}


def whole_sizes(content: bytes) -> dict[str, float]:
    """The bytes that this comes to: something small, compressed as it is."""
    packed = len(zstandard.ZstdCompressor(level=19).compress(content))
    zipped = len(gzip.compress(content, 9, mtime=0))
    return {"raw": len(content), "gzip": zipped, "zstd": packed, "br": packed * 0.95}


def added(sizes: Iterable[dict[str, float]]) -> dict[str, int]:
    """The sum for each encoding."""
    found = list(sizes)
    return {name: round(sum(one[name] for one in found)) for name in ENCODINGS}


def _sampled(weights: Sequence[Bytes], total: int) -> bytes:
    share = min(1.0, _SAMPLE_BYTES / total)
    parts: list[bytes] = []
    for weight in weights:
        if share == 1.0:
            parts.append(weight.tobytes())
            continue
        size = max(int(len(weight) * share) // _PIECES, 16)
        for piece in range(_PIECES):
            start = piece * (len(weight) - size) // _PIECES
            parts.append(weight[max(start, 0) : start + size].tobytes())
    return b"".join(parts)


def _entropy_bytes(weight: Bytes) -> float:
    counts = np.bincount(weight, minlength=256)
    shares = counts[counts > 0] / len(weight)
    return float(-(shares * np.log2(shares)).sum()) * len(weight) / 8
