from __future__ import annotations

import pytest

from modelpack.publish.hosts import download_bytes
from modelpack.publish.wire import Encodings, ManifestChunk, Mode


@pytest.mark.parametrize(("mode", "size_bytes"), [("stored", 60), ("transport", 80)])
def test_download_bytes_counts_zstd_only_where_the_loader_decodes_it(
    mode: Mode, size_bytes: int
) -> None:
    chunk = ManifestChunk("0" * 64, 100, Encodings(gzip=80, zstd=60))
    assert download_bytes(chunk, mode) == size_bytes


def test_download_bytes_of_a_chunk_without_forms_is_its_size() -> None:
    assert download_bytes(ManifestChunk("0" * 64, 100), "transport") == 100
