from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from modelpack.bench.site import Folders, open_site


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    for name in ("models", "samples", "outputs"):
        (tmp_path / name).mkdir()
    (tmp_path / "models" / "chunk.bin").write_bytes(b"plain")
    (tmp_path / "models" / "chunk.bin.gz").write_bytes(b"packed")
    (tmp_path / "models" / "manifest.json").write_bytes(b"{}")
    (tmp_path / "samples" / "0").write_bytes(b"sample")
    (tmp_path / "secret").write_bytes(b"secret")
    return Folders({"models": tmp_path / "models"}, tmp_path / "samples", tmp_path / "outputs")


@pytest.fixture
def connection(folders: Folders) -> Iterator[HTTPConnection]:
    with open_site(folders) as origin:
        found = HTTPConnection(origin.removeprefix("http://"), timeout=60)
        yield found
        found.close()


def ask(connection: HTTPConnection, path: str, encodings: str = "") -> tuple[HTTPResponse, bytes]:
    connection.request("GET", path, headers={"Accept-Encoding": encodings})
    answer = connection.getresponse()
    return answer, answer.read()


def test_site_isolates_the_page(connection: HTTPConnection) -> None:
    answer, body = ask(connection, "/models/manifest.json")
    assert (answer.status, body) == (200, b"{}")
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["Content-Type"] == "application/json"


def test_site_negotiates_what_lies_beside_a_chunk(connection: HTTPConnection) -> None:
    answer, body = ask(connection, "/models/chunk.bin", "gzip, br")
    assert (answer.headers["Content-Encoding"], body) == ("gzip", b"packed")
    answer, body = ask(connection, "/models/chunk.bin")
    assert (answer.headers["Content-Encoding"], body) == (None, b"plain")


@pytest.mark.parametrize(
    "path", ["/models/../secret", "/secret", "/models/", "/samples/../secret", "/samples/1", "/x"]
)
def test_site_serves_nothing_else(connection: HTTPConnection, path: str) -> None:
    answer, body = ask(connection, path)
    assert (answer.status, body) == (404, b"not found")


def test_site_exchanges_samples_and_outputs(connection: HTTPConnection, folders: Folders) -> None:
    assert ask(connection, "/samples/0")[1] == b"sample"
    connection.request("POST", "/outputs/7", b"outputs")
    assert connection.getresponse().read() == b""
    assert (folders.outputs / "7").read_bytes() == b"outputs"
    connection.request("POST", "/models/manifest.json", b"x")
    assert connection.getresponse().status == 404
