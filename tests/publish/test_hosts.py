from __future__ import annotations

import pytest

from modelpack.errors import UsageError
from modelpack.publish.hosts import check_limits, download_bytes, small_plan_warning
from modelpack.publish.wire import Encodings, ManifestChunk, Mode
from modelpack.spec.project import Host
from modelpack.units import MIB


@pytest.mark.parametrize(("mode", "size_bytes"), [("stored", 60), ("transport", 80)])
def test_download_bytes_counts_zstd_only_where_the_loader_decodes_it(
    mode: Mode, size_bytes: int
) -> None:
    chunk = ManifestChunk("0" * 64, 100, Encodings(gzip=80, zstd=60))
    assert download_bytes(chunk, mode) == size_bytes


def test_download_bytes_of_a_chunk_without_forms_is_its_size() -> None:
    assert download_bytes(ManifestChunk("0" * 64, 100), "transport") == 100


def chunks(*sizes_bytes: int) -> list[ManifestChunk]:
    return [ManifestChunk(f"{number:064x}", size) for number, size in enumerate(sizes_bytes)]


@pytest.mark.parametrize(
    ("host", "limit_bytes"), [("cloudflare-pages", 25 * MIB), ("github-pages", 100 * MIB)]
)
def test_check_limits_file_over_the_limit_is_refused(host: Host, limit_bytes: int) -> None:
    check_limits(chunks(limit_bytes, limit_bytes), host)
    with pytest.raises(
        UsageError, match=rf"^MP-E113 output.host: a chunk of .* does not fit {host}"
    ):
        check_limits(chunks(1, limit_bytes + 1), host)


@pytest.mark.parametrize("host", ["github-pages", "vercel"])
def test_check_limits_site_over_the_limit_is_refused(host: Host) -> None:
    check_limits(chunks(*[10_000_000] * 100), host)
    with pytest.raises(UsageError) as caught:
        check_limits(chunks(*[10_000_000] * 100, 10_000_000), host)
    assert str(caught.value) == (
        f"MP-E113 output.host: 1.01 GB of models do not fit {host}, which takes sites up to 1.00 GB — "
        "publish fewer variants, smaller ones, or to another host"
    )


@pytest.mark.parametrize("host", ["static", "netlify", "nginx", "s3-cloudfront", "npm"])
def test_check_limits_other_hosts_have_none(host: Host) -> None:
    check_limits(chunks(4_000_000_000), host)


def test_small_plan_warning_names_the_limit() -> None:
    assert small_plan_warning(chunks(100_000_000), "vercel") == ""
    assert small_plan_warning(chunks(100_000_001), "netlify") == ""
    assert small_plan_warning(chunks(100_000_000, 1), "vercel") == (
        "100 MB of models; from the command line, vercel's smallest plan takes sites up to 100 MB"
    )
