from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelpack.errors import StoreError, UsageError
from modelpack.publish.host_files import address, host_file_text
from modelpack.spec import Host, OutputSettings

HEADERS = """\
# modelpack: written by each build, from here
/models/c/*
  Cache-Control: public, max-age=31536000, immutable
/models/manifest.json
  Cache-Control: no-cache
# modelpack: to here
"""


def output(host: Host) -> OutputSettings:
    return OutputSettings(Path("/p/public/models"), host, 1, None, "balanced", Path("/p/x"))


@pytest.mark.parametrize("host", ["netlify", "cloudflare-pages"])
def test_host_file_of_headers_is_two_rules(host: Host) -> None:
    assert host_file_text(output(host), None) == HEADERS


def test_host_file_keeps_what_others_wrote_around_ours() -> None:
    once = host_file_text(output("netlify"), "/\n  X-Frame-Options: DENY")
    assert once == f"/\n  X-Frame-Options: DENY\n{HEADERS}"
    changed = once.replace("no-cache", "no-store") + "/b\n  X: y\n"
    assert host_file_text(output("netlify"), changed) == f"{once}/b\n  X: y\n"


def test_host_file_of_vercel_is_merged_by_address() -> None:
    before = json.dumps(
        {
            "cleanUrls": True,
            "headers": [
                {"source": "/(.*)", "headers": []},
                {"source": "/models/manifest.json", "headers": [{"key": "Old", "value": "x"}]},
            ],
        }
    )
    after = host_file_text(output("vercel"), before)
    assert json.loads(after) == {
        "cleanUrls": True,
        "headers": [
            {"source": "/(.*)", "headers": []},
            {
                "source": "/models/c/(.*)",
                "headers": [
                    {"key": "Cache-Control", "value": "public, max-age=31536000, immutable"}
                ],
            },
            {
                "source": "/models/manifest.json",
                "headers": [{"key": "Cache-Control", "value": "no-cache"}],
            },
        ],
    }
    assert host_file_text(output("vercel"), after) == after


@pytest.mark.parametrize("before", ["{", "[]", '{"headers": [{}]}', '{"headers": 3}'])
def test_host_file_of_vercel_that_is_none_is_refused(before: str) -> None:
    with pytest.raises(StoreError, match=r"MP-E702 vercel.json: is no configuration of Vercel"):
        host_file_text(output("vercel"), before)


def test_host_file_of_nginx_serves_compressed_files() -> None:
    text = host_file_text(output("nginx"), None)
    assert "location /models/c/ {\n  gzip_static on;" in text
    assert 'location = /models/manifest.json {\n  add_header Cache-Control "no-cache";\n}' in text


def test_host_file_of_a_host_without_one_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        host_file_text(output("github-pages"), None)
    assert str(caught.value) == (
        "MP-E113 output.host_file: github-pages has no such file; expected output.host to be one of "
        "cloudflare-pages, netlify, nginx, vercel — remove host_file, or name the host"
    )


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/p/public/models", "/models"),
        ("/p/apps/web/public/ai/models", "/ai/models"),
        ("/public/p/dist/m", "/m"),
        ("/p/packs", "/packs"),
        ("/p/public", ""),
    ],
)
def test_address_is_below_the_top_of_the_site(folder: str, expected: str) -> None:
    assert address(Path(folder)) == expected
