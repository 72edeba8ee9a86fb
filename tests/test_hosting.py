from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.hosting import address, usual_host_file
from modelpack.spec.project import Host, HostFile


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/build/w/public/models", "/models"),
        ("/build/w/apps/web/public/ai/models", "/ai/models"),
        ("/build/w/public/p/dist/m", "/m"),
        ("/build/w/packs", "/packs"),
        ("/build/w/public", ""),
        ("/build/w", ""),
    ],
)
def test_address_is_below_the_top_of_the_site(folder: str, expected: str) -> None:
    assert address(Path(folder), Path("/build/w")) == expected


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("netlify", "/w/apps/web/public/_headers"),
        ("cloudflare-pages", "/w/apps/web/public/_headers"),
        ("vercel", "/w/apps/web/vercel.json"),
        ("nginx", "/w/apps/web/modelpack.nginx.conf"),
    ],
)
def test_usual_host_file_is_where_the_host_looks(host: Host, path: str) -> None:
    app = Path("/w/apps/web")
    found = usual_host_file(host, app / "public/models", app / "modelpack.toml", Path("/w"))
    assert found == HostFile(Path(path), "/models", is_named=False)


@pytest.mark.parametrize("host", ["static", "github-pages", "s3-cloudfront", "npm"])
def test_usual_host_file_of_other_hosts_is_none(host: Host) -> None:
    app = Path("/w")
    assert usual_host_file(host, app / "public", app / "modelpack.toml", app) is None
