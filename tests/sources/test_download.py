from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.digest import digest_bytes
from modelpack.errors import SourceError, SourceUnreachableError
from modelpack.sources.download import MOST_BYTES, Patience, Wanted, download
from tests.support.scripted_server import Reply, Server, serving

BODY = bytes(range(256)) * 40
DIGEST = digest_bytes(BODY)
TAG = (("ETag", '"v1"'),)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path))  # where .netrc lies
    monkeypatch.setenv("no_proxy", "*")
    with serving() as server:
        yield server


class Sleeps:
    """A clock that remembers how long it was asked to wait, and does not."""

    def __init__(self) -> None:
        self.pauses_s: list[float] = []

    @property
    def patience(self) -> Patience:
        return Patience(0.3, 4, self.pauses_s.append)


def fetch(path: Path, *urls: str, sha256: str | None = DIGEST, sleeps: Sleeps | None = None) -> str:
    patience = (sleeps or Sleeps()).patience
    return download(Wanted(urls, sha256), path, lambda _done, _total: None, patience)


def test_download_gives_the_file_and_its_digest(server: Server, tmp_path: Path) -> None:
    server.reply("/m", Reply(body=BODY))
    seen: list[tuple[int, int]] = []
    wanted = Wanted((server.url("/m"),), None)
    digest = download(wanted, tmp_path / "m", lambda done, total: seen.append((done, total)))
    assert (digest, (tmp_path / "m").read_bytes()) == (DIGEST, BODY)
    assert seen[-1] == (len(BODY), len(BODY))
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_download_that_was_cut_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    whole = Reply(body=BODY, headers=TAG, ranges=True)
    cut = Reply(body=BODY, headers=TAG, ranges=True, cut_after=1000)
    server.reply("/m", cut, cut, whole)
    sleeps = Sleeps()
    assert fetch(tmp_path / "m", server.url("/m"), sleeps=sleeps) == DIGEST
    assert server.header("range") == [None, "bytes=1000-", "bytes=2000-"]
    assert server.header("if-range") == [None, '"v1"', '"v1"']
    assert sleeps.pauses_s == [1, 2]


def test_download_goes_on_in_a_later_build(server: Server, tmp_path: Path) -> None:
    server.reply("/m", Reply(body=BODY, headers=TAG, ranges=True, cut_after=1000), Reply(404))
    with pytest.raises(SourceUnreachableError):
        fetch(tmp_path / "m", server.url("/m"))
    server.reply("/m", Reply(body=BODY, headers=TAG, ranges=True))
    assert fetch(tmp_path / "m", server.url("/m")) == DIGEST
    assert server.header("range")[-1] == "bytes=1000-"


def test_download_of_a_file_that_changed_begins_anew(server: Server, tmp_path: Path) -> None:
    old = Reply(body=b"x" * 5000, headers=TAG, ranges=True, cut_after=1000)
    new = Reply(body=BODY, headers=(("ETag", '"v2"'),), ranges=True)
    server.reply("/m", old, new)
    assert fetch(tmp_path / "m", server.url("/m")) == DIGEST


def test_download_without_a_strong_tag_begins_anew(server: Server, tmp_path: Path) -> None:
    weak = (("ETag", 'W/"v1"'),)
    server.reply("/m", Reply(body=BODY, headers=weak, cut_after=1000), Reply(body=BODY))
    assert fetch(tmp_path / "m", server.url("/m")) == DIGEST
    assert server.header("range") == [None, None]


def test_download_with_a_range_that_is_refused_begins_anew(server: Server, tmp_path: Path) -> None:
    cut = Reply(body=BODY, headers=TAG, cut_after=1000)
    server.reply("/m", cut, Reply(416), Reply(body=BODY))
    assert fetch(tmp_path / "m", server.url("/m")) == DIGEST
    assert server.header("range") == [None, "bytes=1000-", None]


def test_download_comes_back_when_the_server_says(server: Server, tmp_path: Path) -> None:
    busy = Reply(429, headers=(("Retry-After", "7"),))
    server.reply("/m", busy, Reply(503, headers=(("Retry-After", "9000"),)), Reply(body=BODY))
    sleeps = Sleeps()
    assert fetch(tmp_path / "m", server.url("/m"), sleeps=sleeps) == DIGEST
    assert sleeps.pauses_s == [7, 60]


def test_download_that_stalls_is_cut(server: Server, tmp_path: Path) -> None:
    stalled = Reply(body=BODY, headers=TAG, ranges=True, cut_after=1000, stall_s=1)
    server.reply("/m", stalled, Reply(body=BODY, headers=TAG, ranges=True))
    assert fetch(tmp_path / "m", server.url("/m")) == DIGEST
    assert server.header("range") == [None, "bytes=1000-"]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_download_of_what_is_not_there_is_not_tried_again(
    server: Server, tmp_path: Path, status: int
) -> None:
    server.reply("/m", Reply(status))
    with pytest.raises(SourceUnreachableError, match=f"MP-E240.*127.0.0.1: HTTP {status}"):
        fetch(tmp_path / "m", server.url("/m"))
    assert len(server.requests) == 1


def test_download_gives_up_after_its_attempts(server: Server, tmp_path: Path) -> None:
    server.reply("/m", Reply(500))
    with pytest.raises(SourceUnreachableError, match="HTTP 500") as caught:
        fetch(tmp_path / "m", server.url("/m"))
    assert caught.value.exit_code == 6
    assert len(server.requests) == 4


def test_download_turns_to_a_mirror(server: Server, tmp_path: Path) -> None:
    server.reply("/m", Reply(404))
    server.reply("/mirror", Reply(body=BODY))
    assert fetch(tmp_path / "m", server.url("/m"), server.url("/mirror")) == DIGEST


def test_download_with_the_wrong_digest_is_no_file(server: Server, tmp_path: Path) -> None:
    server.reply("/m", Reply(body=b"something else", headers=TAG))
    with pytest.raises(SourceError, match=f"MP-E241.*expected {DIGEST}"):
        fetch(tmp_path / "m", server.url("/m"))
    assert list(tmp_path.iterdir()) == []


def test_download_with_the_wrong_digest_turns_to_a_mirror(server: Server, tmp_path: Path) -> None:
    server.reply("/m", Reply(body=b"something else"))
    server.reply("/mirror", Reply(body=BODY))
    assert fetch(tmp_path / "m", server.url("/m"), server.url("/mirror")) == DIGEST


def test_download_follows_redirects_without_credentials(server: Server, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    server.reply("/m", Reply(302, headers=(("Location", server.url("/n", "localhost")),)))
    server.reply("/n", Reply(body=BODY))
    assert fetch(tmp_path / "m", server.url("/m")) == DIGEST
    assert server.header("authorization") == ["Basic bWU6c2VjcmV0", None]


def test_download_follows_no_redirect_to_plain_http(server: Server, tmp_path: Path) -> None:
    server.reply("/m", Reply(302, headers=(("Location", "http://example.invalid/m"),)))
    with pytest.raises(SourceUnreachableError, match=r"redirected to http://example\.invalid"):
        fetch(tmp_path / "m", server.url("/m"))


def test_download_follows_no_circle(server: Server, tmp_path: Path) -> None:
    server.reply("/m", Reply(302, headers=(("Location", server.url("/m")),)))
    with pytest.raises(SourceUnreachableError, match="HTTP 302"):
        fetch(tmp_path / "m", server.url("/m"))
    assert len(server.requests) <= 7


def test_download_of_more_than_a_model_can_have_is_refused(server: Server, tmp_path: Path) -> None:
    huge = (("Content-Length", str(MOST_BYTES + 1)),)
    server.reply("/m", Reply(body=b"x", headers=huge))
    with pytest.raises(SourceUnreachableError, match="more than 2"):
        fetch(tmp_path / "m", server.url("/m"))


def test_download_from_nowhere_says_so(server: Server, tmp_path: Path) -> None:
    gone = server.url("/m").replace(str(server.port), "9")
    with pytest.raises(SourceUnreachableError, match=r"MP-E240.*no answer \("):
        fetch(tmp_path / "m", gone)
