"""T-DEV1 to T-DEV5, W11, W12: what the development server answers, and what it refuses."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelpack.publish.folder import chunk_names, read_manifest
from modelpack.serve.app import CONTENT_SECURITY_POLICY
from modelpack.serve.dev import Served
from modelpack.watched import BuildEnded
from tests.support.builds import build
from tests.support.dev_sites import SCRIPT, report, served
from tests.support.hostile_requests import hostile_messages, hostile_targets
from tests.support.opened_files import opened_files
from tests.support.projects import Project, make_project
from tests.support.raw_http import LIMIT_S, exchange, get

MANIFEST = "/models/manifest.json"
TARGETS = sorted(set(hostile_targets()))
MESSAGES = list(hostile_messages(4747))


@pytest.fixture(scope="module")
def published(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("published") / "project"
    return Project(shutil.copytree(built.folder, folder, symlinks=True))


@pytest.fixture(scope="module")
def site(published: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("parts")
    (published.folder / "secret.txt").write_text("secret")
    with served(published, folder) as found:
        yield found


@pytest.fixture(scope="module")
def chunk(published: Project) -> str:
    manifest = read_manifest(published.output)
    assert manifest is not None
    return "/models/" + max(
        chunk_names(manifest), key=lambda name: (published.output / name).stat().st_size
    )


def test_there_are_enough_hostile_requests() -> None:
    assert len(TARGETS) + len(MESSAGES) >= 200


def test_hostile_targets_get_404_and_open_no_file(site: Served) -> None:
    get(site.port, MANIFEST)
    with opened_files() as opened:
        answers = [(target, get(site.port, target)) for target in TARGETS]
    assert [path for path in opened if not path.startswith("/proc/")] == []
    wrong = [
        (target, answer.status) for target, answer in answers if answer.status not in {400, 404}
    ]
    assert wrong == []
    assert not any("html" in answer.header("content-type") for _, answer in answers)
    assert not any(b"secret" in answer.body for _, answer in answers)


def test_hostile_messages_get_nothing_and_open_no_file(site: Served) -> None:
    get(site.port, MANIFEST)
    messages = list(hostile_messages(site.port))
    with opened_files() as opened:
        answers = [(message, exchange(site.port, message)) for message in messages]
    assert opened == []
    wrong = [
        (message[:80], answer.status)
        for message, answer in answers
        if answer.status not in {0, 400, 403, 404, 405, 431}
    ]
    assert wrong == []
    assert not any("html" in answer.header("content-type") for _, answer in answers)
    assert get(site.port, MANIFEST).status == 200  # and it is still there


def test_links_out_of_the_folder_are_not_followed(project: Project, tmp_path: Path) -> None:
    with served(project, tmp_path / "parts") as found:
        manifest = read_manifest(project.output)
        assert manifest is not None
        name = min(chunk_names(manifest))
        (project.output / name).unlink()
        (tmp_path / "secret.txt").write_text("secret")
        (project.output / name).symlink_to(tmp_path / "secret.txt")
        assert get(found.port, f"/models/{name}").status == 404


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_names_of_this_machine_are_answered(site: Served, host: str) -> None:
    answer = get(site.port, MANIFEST, host=f"{host}:{site.port}")
    assert (answer.status, answer.header("content-type")) == (200, "application/json")


def test_answers_are_isolated_and_kept_from_other_sites(site: Served, chunk: str) -> None:
    # T-DEV1
    for target in ("/", MANIFEST, chunk, "/missing", "/events"):
        answer = get(site.port, target)
        assert answer.header("cross-origin-opener-policy") == "same-origin"
        assert answer.header("cross-origin-embedder-policy") == "require-corp"
        assert answer.header("cross-origin-resource-policy") == "same-origin"
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("access-control-allow-origin") == ""
        assert answer.header("server") == ""


def test_page_has_a_strict_policy(site: Served) -> None:
    answer = get(site.port, "/")
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.header("content-security-policy") == CONTENT_SECURITY_POLICY
    assert "unsafe-inline" not in CONTENT_SECURITY_POLICY
    assert "'unsafe-eval'" not in CONTENT_SECURITY_POLICY


def test_listed_origin_may_read_and_no_other(project: Project, tmp_path: Path) -> None:
    with served(project, tmp_path / "parts", "http://localhost:5173") as found:
        listed = get(found.port, MANIFEST, ("Origin", "http://localhost:5173"))
        other = get(found.port, MANIFEST, ("Origin", "http://localhost:5174"))
    assert listed.status == 200
    assert listed.header("access-control-allow-origin") == "http://localhost:5173"
    assert listed.header("cross-origin-resource-policy") == "cross-origin"
    assert listed.header("vary") == "Origin"
    assert (other.status, other.header("access-control-allow-origin")) == (403, "")


@pytest.mark.parametrize(
    "asks",
    [("Origin", "http://evil.test"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")],
    ids=["origin", "sandboxed", "fetch metadata"],
)
@pytest.mark.parametrize("target", ["/session.json", "/events?token=", MANIFEST, "/"])
def test_other_sites_read_nothing_even_with_the_token(
    site: Served, target: str, asks: tuple[str, str]
) -> None:
    # T-DEV1, T-DEV4
    url = f"{target}{site.token}" if target.endswith("=") else target
    answer = get(site.port, url, asks)
    assert (answer.status, answer.header("access-control-allow-origin")) == (403, "")
    assert site.token.encode() not in answer.body


def test_rebound_name_reads_nothing(site: Served) -> None:
    # T-DEV2
    for host in ("evil.test", f"evil.test:{site.port}", f"localhost:{site.port + 1}", "localhost"):
        assert get(site.port, MANIFEST, host=host).status == 403


def test_own_page_may_read(site: Served) -> None:
    origin = f"http://localhost:{site.port}"
    assert get(site.port, MANIFEST, ("Origin", origin)).status == 200


def test_only_loopback_listens(site: Served) -> None:
    # T-DEV5
    own = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}
    for address in own - {"127.0.0.1", "::1", "127.0.1.1"}:
        with pytest.raises(OSError, match=r"refused|unreachable"):
            socket.create_connection((str(address), site.port), LIMIT_S).close()


def test_types_are_what_browsers_need(site: Served, chunk: str) -> None:
    types = {
        target: get(site.port, target).header("content-type")
        for target in ("/loader/index.js", "/runtime/ort.wasm.min.mjs", "/runtime/ort.wasm", chunk)
    }
    assert types == {
        "/loader/index.js": "text/javascript; charset=utf-8",
        "/runtime/ort.wasm.min.mjs": "text/javascript; charset=utf-8",
        "/runtime/ort.wasm": "application/wasm",
        chunk: "application/octet-stream",
    }
    assert get(site.port, "/loader/index.js").body.decode() == SCRIPT


def test_caching_follows_what_may_change(site: Served, chunk: str) -> None:
    assert get(site.port, MANIFEST).header("cache-control") == "no-cache"
    assert get(site.port, chunk).header("cache-control") == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("target", [MANIFEST, "/loader/index.js", "chunk"])
def test_etag_is_answered_with_304(site: Served, chunk: str, target: str) -> None:
    path = chunk if target == "chunk" else target
    tag = get(site.port, path).header("etag")
    assert tag.startswith('"')
    for given in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = get(site.port, path, ("If-None-Match", given))
        assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
    assert get(site.port, path, ("If-None-Match", '"other"')).status == 200


@pytest.mark.parametrize("target", [MANIFEST, "/", "chunk", "/missing"])
def test_head_is_get_without_a_body(site: Served, chunk: str, target: str) -> None:
    path = chunk if target == "chunk" else target
    whole, head = get(site.port, path), get(site.port, path, method="HEAD")
    assert (head.status, head.body) == (whole.status, b"")
    assert head.header("content-length") == str(len(whole.body))


@pytest.mark.parametrize(
    ("asked", "begin", "end"), [("0-99", 0, 100), ("100-", 100, None), ("-50", -50, None)]
)
def test_range_gives_that_part(
    site: Served, chunk: str, asked: str, begin: int, end: int | None
) -> None:
    whole = get(site.port, chunk).body
    answer = get(site.port, chunk, ("Range", f"bytes={asked}"))
    assert (answer.status, answer.body) == (206, whole[begin:end])
    assert answer.header("content-range").endswith(f"/{len(whole)}")


def test_ranges_that_are_odd(site: Served, chunk: str) -> None:
    size = len(get(site.port, chunk).body)
    several = get(site.port, chunk, ("Range", "bytes=0-9,20-29"))
    beyond = get(site.port, chunk, ("Range", f"bytes={size}-"))
    assert several.status == 206
    assert several.header("content-type").startswith("multipart/byteranges")
    assert (beyond.status, beyond.header("content-range")) == (416, f"bytes */{size}")
    assert get(site.port, chunk, ("Range", "lines=1-2")).status == 400
    old = get(site.port, chunk, ("Range", "bytes=0-9"), ("If-Range", '"other"'))
    assert (old.status, len(old.body)) == (200, size)


def test_encoded_form_is_sent_to_who_takes_it(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "tiny")
    project.edit('path = "public/models"', 'path = "public/models"\nhost = "nginx"')
    project.edit("passes = []", 'passes = []\nassets = { labels = "models/labels.json" }')
    (project.folder / "models" / "labels.json").write_text(json.dumps(list(range(9000))))
    assert build(project).exit_code == 0
    manifest = read_manifest(project.output)
    assert manifest is not None
    encoded = next(chunk for chunk in manifest.chunks if chunk.enc.sizes())
    target = f"/models/c/{encoded.hash}.bin"
    forms = dict(encoded.enc.sizes())
    with served(project, tmp_path / "parts") as found:
        plain = get(found.port, target)
        brotli = get(found.port, target, ("Accept-Encoding", "gzip, br;q=1.0, zstd;q=0"))
        refused = get(found.port, target, ("Accept-Encoding", "br;q=0, gzip;q=0.0"))
    assert (len(plain.body), plain.header("content-encoding")) == (encoded.size, "")
    assert (len(brotli.body), brotli.header("content-encoding")) == (forms["br"], "br")
    assert brotli.header("content-type") == "application/octet-stream"
    assert brotli.header("etag") != plain.header("etag")
    assert "Accept-Encoding" in plain.header("vary")
    assert refused.header("content-encoding") == ""


def test_hundred_clients_at_once_and_one_that_hangs_up(site: Served, chunk: str) -> None:
    # W11
    whole = get(site.port, chunk).body
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", site.port), LIMIT_S) as rude:
            rude.sendall(f"GET {chunk} HTTP/1.1\r\nHost: localhost:{site.port}\r\n\r\n".encode())
    with ThreadPoolExecutor(100) as threads:
        bodies = [
            answer.body for answer in threads.map(lambda _: get(site.port, chunk), range(100))
        ]
    assert all(body == whole for body in bodies)


def test_slow_reader_gets_everything(site: Served, chunk: str) -> None:
    # W11
    whole = get(site.port, chunk).body
    with socket.create_connection(("127.0.0.1", site.port), LIMIT_S) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = (
            f"GET {chunk} HTTP/1.1\r\nHost: localhost:{site.port}\r\nConnection: close\r\n\r\n"
        )
        slow.sendall(request.encode())
        received = bytearray()
        while block := slow.recv(1024):
            received += block
            assert get(site.port, MANIFEST).status == 200 or len(received) > 4096
    assert bytes(received).endswith(whole)


def test_old_chunks_stay_after_a_rebuild(project: Project, tmp_path: Path) -> None:
    # W12
    with served(project, tmp_path / "parts") as found:
        before = get(found.port, MANIFEST)
        names = [f"/models/c/{each['hash']}" for each in json.loads(before.body)["chunks"]]
        urls = [url for url in found.site.table() if url.startswith(tuple(names))]
        project.edit("keep_generations = 0", "keep_generations = 3")
        project.edit("block_size = 32", "block_size = 64")
        assert build(project).exit_code == 0
        found.site.hear(BuildEnded(report()))
        after = get(found.port, MANIFEST)
        assert after.header("etag") != before.header("etag")
        assert [get(found.port, url).status for url in urls] == [200] * len(urls)


def test_nothing_published_is_404(project: Project, tmp_path: Path) -> None:
    shutil.rmtree(project.output)
    with served(project, tmp_path / "parts") as found:
        assert get(found.port, MANIFEST).status == 404
