"""What is in the wheel is enough: `dev` and `watch` from an unpacked one, far from the checkout."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.cli import ROOT, TIMEOUT_S, environment_with
from tests.support.projects import Project, make_project
from tests.support.raw_http import get
from tests.support.watch_processes import running

pytestmark = pytest.mark.slow

PAGE = ROOT / "packages" / "dev-page" / "dist"
LOADER = ROOT / "packages" / "loader" / "dist"
NAMES = re.compile(r"""(?:src|href|from|import\()\s*=?\s*["'](\.?/[\w./-]+)["']""")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installed wheel."""
    if not (PAGE / "index.html").is_file() or not (LOADER / "index.js").is_file():
        pytest.skip("the page and the loader are not built: npm run build")
    folder = tmp_path_factory.mktemp("wheel")
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(argv, check=True, capture_output=True, cwd=ROOT, timeout=TIMEOUT_S)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", "tiny")


def test_wheel_is_what_is_imported(unpacked: Path, tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", "import modelpack; print(modelpack.__file__)"],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment_with(PYTHONPATH=str(unpacked)),
    )
    assert finished.stdout.strip() == str(unpacked / "modelpack" / "__init__.py")


def test_wheel_serves_the_page_with_everything_it_names(unpacked: Path, project: Project) -> None:
    argv = ("dev", "--port", "0", "--json", "-C", project.folder)
    with running(*argv, cwd=project.folder, PYTHONPATH=str(unpacked)) as dev:
        port = int(str(dev.event("serving")["url"]).rsplit(":", 1)[1].strip("/"))
        page = get(port, "/")
        assert (page.status, page.header("content-type")) == (200, "text/html; charset=utf-8")
        seen, waiting = {"/"}, ["/loader/index.js", *NAMES.findall(page.body.decode())]
        while waiting:
            url = waiting.pop()
            if url in seen:
                continue
            seen.add(url)
            answer = get(port, url)
            assert (url, answer.status) == (url, 200)
            if url.endswith(".js"):
                folder = url.rsplit("/", 1)[0]
                found = NAMES.findall(answer.body.decode())
                waiting += [
                    f"{folder}/{name.removeprefix('./')}" for name in found if name[0] == "."
                ]
        code, err = dev.close_stdin()
    assert {"/page.js", "/page.css", "/mark.svg", "/loader/index.js"} < seen
    assert len([url for url in seen if url.startswith("/loader/")]) >= 3
    assert (code, "Traceback" in err) == (0, False)


def test_wheel_watches(unpacked: Path, project: Project) -> None:
    argv = ("watch", "--json", "-C", project.folder)
    with running(*argv, cwd=project.folder, PYTHONPATH=str(unpacked)) as watch:
        watch.event("waiting")
        assert watch.close_stdin()[0] == 0
    assert (project.output / "manifest.json").is_file()
