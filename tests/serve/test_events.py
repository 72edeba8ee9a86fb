from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from modelpack.serve.dev import Served
from modelpack.watched import BuildBegan, BuildEnded, WatchTrouble
from tests.support.builds import build
from tests.support.dev_sites import report, served
from tests.support.projects import Project
from tests.support.raw_http import LIMIT_S, get


@contextmanager
def listening(site: Served) -> Iterator[BufferedReader]:
    """The lines of the event stream, its head read."""
    with socket.create_connection(("127.0.0.1", site.port), LIMIT_S) as connection:
        target = f"/events?token={site.token}"
        request = f"GET {target} HTTP/1.1\r\nHost: localhost:{site.port}\r\n\r\n"
        connection.sendall(request.encode())
        with connection.makefile("rb") as stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += stream.readline()
            assert b"text/event-stream" in head
            yield stream


def message(stream: BufferedReader, kind: str) -> object:
    """The data of the next message of that kind."""
    while True:
        line = stream.readline()
        assert line
        if line == f"event: {kind}\n".encode():
            return json.loads(stream.readline().removeprefix(b"data: "))


def test_events_tell_the_state_first_and_every_change(project: Project, tmp_path: Path) -> None:
    with served(project, tmp_path / "parts") as site, listening(site) as stream:
        first = message(stream, "state")
        site.site.hear(BuildBegan(("x",)))
        second = message(stream, "state")
        site.site.hear(WatchTrouble("MP-E110 broken"))
        third = message(stream, "state")
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert isinstance(third, dict)
    assert (first["status"], first["manifest"]) == ("ready", "/models/manifest.json")
    assert second["status"] == "building"
    assert (third["status"], third["error"]) == ("failed", "MP-E110 broken")
    assert third["manifest"] == "/models/manifest.json"  # what was published before stays


def test_events_tell_pages_to_reload_when_the_manifest_changed(
    project: Project, tmp_path: Path
) -> None:
    with served(project, tmp_path / "parts") as site, listening(site) as stream:
        message(stream, "state")
        site.site.hear(BuildEnded(report("unchanged")))
        project.edit("block_size = 32", "block_size = 64")
        assert build(project).exit_code == 0
        site.site.hear(BuildEnded(report()))
        sha256 = message(stream, "reload")
        assert f'"{sha256}"' == get(site.port, "/models/manifest.json").header("etag")


def test_events_end_with_the_server(project: Project, tmp_path: Path) -> None:
    with served(project, tmp_path / "parts") as site:
        connection = socket.create_connection(("127.0.0.1", site.port), LIMIT_S)
        target = f"/events?token={site.token}"
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost:{site.port}\r\n\r\n".encode())
        assert connection.recv(10)
    while connection.recv(1 << 16):
        pass
    connection.close()


def test_session_has_the_token(project: Project, tmp_path: Path) -> None:
    with served(project, tmp_path / "parts") as site:
        answer = json.loads(get(site.port, "/session.json").body)
    assert answer == {"events": "/events", "token": site.token}
