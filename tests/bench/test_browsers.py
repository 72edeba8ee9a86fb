from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.bench.browsers import choose_browser
from modelpack.errors import BenchError

pytest.importorskip("playwright")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no browser but those put into the folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))
    return tmp_path


def put(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_choose_browser_takes_the_one_that_is_there(bare: Path) -> None:
    chrome = put(bare, "google-chrome-stable")
    choice = choose_browser("")
    assert (choice.name, choice.program, choice.is_chromium) == ("chrome", chrome, True)


def test_choose_browser_prefers_chromium(bare: Path) -> None:
    put(bare, "microsoft-edge")
    chromium = put(bare, "chromium")
    assert choose_browser("").program == chromium
    assert choose_browser("edge").name == "edge"


def test_choose_browser_takes_a_path(bare: Path) -> None:
    program = put(bare, "firefox-nightly")
    choice = choose_browser(str(program))
    assert (choice.name, choice.program, choice.is_chromium) == ("firefox", program, False)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("", "MP-E802 bench: found no browser on this machine"),
        ("edge", "MP-E802 bench: found no edge on this machine"),
        ("netscape", "MP-E802 netscape: no such browser"),
    ],
)
def test_choose_browser_that_is_missing_says_so(bare: Path, wanted: str, message: str) -> None:
    with pytest.raises(BenchError) as caught:
        choose_browser(wanted)
    assert str(caught.value).startswith(message)
    assert caught.value.remedy


def test_choose_browser_firefox_is_playwrights(bare: Path) -> None:
    with pytest.raises(BenchError, match="playwright install firefox"):
        choose_browser("firefox")
