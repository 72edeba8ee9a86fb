from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelpack.errors import StoreError, UsageError
from modelpack.publish.host_files import host_file_text, is_left_alone
from modelpack.spec.project import Host, HostFile

HEADERS = """\
# modelpack: written by each build, from here
/models/c/*
  Cache-Control: public, max-age=31536000, immutable
/models/manifest.json
  Cache-Control: no-cache
# modelpack: to here
"""


NAMED = HostFile(Path("/p/x"), "/models", is_named=True)
FOUND = HostFile(Path("/p/x"), "/models", is_named=False)


def text(host: Host, before: str | None) -> str:
    return host_file_text(host, NAMED, before)


@pytest.mark.parametrize("host", ["netlify", "cloudflare-pages"])
def test_host_file_of_headers_is_two_rules(host: Host) -> None:
    assert text(host, None) == HEADERS


def test_host_file_keeps_what_others_wrote_around_ours() -> None:
    once = text("netlify", "/\n  X-Frame-Options: DENY")
    assert once == f"/\n  X-Frame-Options: DENY\n{HEADERS}"
    changed = once.replace("no-cache", "no-store") + "/b\n  X: y\n"
    assert text("netlify", changed) == f"{once}/b\n  X: y\n"


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
    after = text("vercel", before)
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
                "source": "/models/manifest.([0-9a-f]+).json",
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
    assert text("vercel", after) == after


@pytest.mark.parametrize("before", ["{", "[]", '{"headers": [{}]}', '{"headers": 3}'])
def test_host_file_of_vercel_that_is_none_is_refused(before: str) -> None:
    with pytest.raises(StoreError, match=r"MP-E702 vercel.json: is no configuration of Vercel"):
        text("vercel", before)


def test_host_file_of_nginx_serves_compressed_files() -> None:
    text_ = text("nginx", None)
    assert "location /models/c/ {\n  gzip_static on;" in text_
    assert "location ~ ^/models/manifest\\.[0-9a-f]+\\.json$ {\n  add_header" in text_
    assert 'location = /models/manifest.json {\n  add_header Cache-Control "no-cache";\n}' in text_


def test_host_file_of_a_host_without_one_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        text("github-pages", None)
    assert str(caught.value) == (
        "MP-E113 output.host_file: github-pages has no such file; expected output.host to be one of "
        "cloudflare-pages, netlify, nginx, vercel — remove host_file, or name the host"
    )


def test_host_file_that_is_missing_is_ours() -> None:
    assert not is_left_alone("netlify", FOUND, None)


@pytest.mark.parametrize("host", ["netlify", "nginx", "vercel"])
def test_host_file_that_was_written_by_a_build_is_ours(host: Host) -> None:
    assert not is_left_alone(host, FOUND, text(host, None))


@pytest.mark.parametrize(
    ("host", "before"),
    [
        ("netlify", ""),
        ("netlify", "/\n  X-Frame-Options: DENY\n"),
        ("nginx", "# modelpack: written by each build, from here\n"),
        ("vercel", "{}"),
        ("vercel", "{"),
        ("vercel", "[]"),
        ("vercel", '{"headers": [{"source": "/(.*)", "headers": []}]}'),
        ("vercel", '{"headers": [{}]}'),
    ],
)
def test_host_file_of_somebody_else_is_left_alone_unless_named(host: Host, before: str) -> None:
    assert is_left_alone(host, FOUND, before)
    assert not is_left_alone(host, NAMED, before)
