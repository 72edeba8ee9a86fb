from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from modelpack.serve.server import open_sockets
from tests.support.builds import copy_cache, warm
from tests.support.cli import TIMEOUT_S, environment_with, modelpack
from tests.support.projects import Project, make_project
from tests.support.raw_http import get
from tests.support.watch_processes import running


@pytest.fixture(scope="module")
def warmed_pair(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("served") / "project", "pair")
    warm(project, "development")
    return project


@pytest.fixture
def project(tmp_path: Path, warmed_pair: Project) -> Project:
    made = make_project(tmp_path / "project", "pair")
    copy_cache(warmed_pair, made)
    return made


def test_dev_builds_serves_and_ends_when_stdin_closes(project: Project) -> None:
    with running("dev", "--port", "0", "--json", "-C", project.folder) as dev:
        url = str(dev.event("serving")["url"])
        port = urlsplit(url).port or 0
        dev.event("waiting")
        manifest = json.loads(get(port, "/models/manifest.json").body)
        samples = json.loads(get(port, "/samples/words.json").body)
        code, err = dev.close_stdin()
    assert sorted(manifest["models"]) == ["faces", "words"]
    assert len(samples) == 12
    assert samples[0]["name"].startswith("sample ")
    assert samples[0]["steps"][0]["x"]["type"] == "float32"
    assert samples[0]["steps"][0]["x"]["dims"] == [1, 32]
    assert len(samples[0]["steps"][0]["x"]["data"]) == 32
    assert code == 0
    assert "Traceback" not in err


@pytest.mark.slow
def test_dev_killed_leaves_its_port_to_the_next(project: Project) -> None:
    # W09: kill -9 while a page is connected.
    with running("dev", "--port", "0", "--json", "-C", project.folder) as dev:
        port = urlsplit(str(dev.event("serving")["url"])).port or 0
        dev.event("waiting")
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as page:
            page.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            assert page.recv(1 << 16)
            dev.process.kill()
            dev.process.wait()
            while page.recv(1 << 16):  # whoever hangs up first keeps the port for a while
                pass
    with running("dev", "--port", str(port), "--json", "-C", project.folder) as again:
        assert urlsplit(str(again.event("serving")["url"])).port == port
        again.event("waiting")
        assert get(port, "/models/manifest.json").status == 200
        assert again.close_stdin()[0] == 0


def test_dev_port_in_use_is_an_error(project: Project) -> None:
    taken = open_sockets(0)
    port = taken[0].getsockname()[1]
    answer = modelpack("dev", "--port", str(port), "-C", project.folder)
    for each in taken:
        each.close()
    assert answer.code == 2
    assert answer.err.startswith(f"MP-E105 127.0.0.1: port {port} is in use")


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["--port", "70000"], 'argument --port: found "70000"; expected a port, 0 to 65535'),
        (
            ["--allow-origin", "http://localhost:5173/"],
            (
                'argument --allow-origin: found "http://localhost:5173/"; '
                "expected an origin such as http://localhost:5173"
            ),
        ),
        (
            ["--allow-origin", "*"],
            'argument --allow-origin: found "*"; expected an origin such as http://localhost:5173',
        ),
    ],
)
def test_dev_wrong_arguments_are_one_line(argv: list[str], line: str) -> None:
    answer = modelpack("dev", *argv)
    assert (answer.code, answer.err) == (2, f"MP-E101 {line} — see modelpack dev --help\n")


PROGRAM = """
import sys
sys.modules["uvicorn"] = None
from modelpack.cli.main import run
sys.exit(run(["dev"], sys.stdout, sys.stderr))
"""


def test_dev_without_the_extra_names_it() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=environment_with(),
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr == (
        "MP-E106 `modelpack dev` needs the package uvicorn — pip install 'modelpack[dev]'\n"
    )
