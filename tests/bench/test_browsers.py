from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.bench.browsers import (
    check_slowdown,
    choose_browser,
    installed_browsers,
    started,
)
from modelpack.errors import BenchError, UsageError

pytest.importorskip("playwright")
pytest.importorskip("websockets")


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


def test_choose_browser_firefox_is_the_one_of_the_machine(bare: Path) -> None:
    with pytest.raises(BenchError, match="install Firefox 129 or newer"):
        choose_browser("firefox")
    program = put(bare, "firefox-esr")
    assert choose_browser("firefox").program == program
    assert choose_browser("").name == "firefox"


def test_choose_browser_firefox_does_neither_emulate_nor_slow_down(bare: Path) -> None:
    put(bare, "firefox")
    with pytest.raises(UsageError, match="--software-gpu: firefox cannot emulate a graphics"):
        choose_browser("firefox", software_gpu=True)
    with pytest.raises(UsageError, match="--slowdown: firefox cannot slow down a processor"):
        check_slowdown(choose_browser("firefox"))


def test_installed_browsers_are_in_the_order_of_choice(bare: Path) -> None:
    for name in ("firefox", "chromium", "google-chrome"):
        put(bare, name)
    assert [each.name for each in installed_browsers()] == ["chromium", "chrome", "firefox"]


@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_started_program_that_is_no_browser_says_so(bare: Path, name: str) -> None:
    program = put(bare, name)
    with (
        pytest.raises(BenchError, match=f"MP-E802 {program}: does not start: "),
        started(choose_browser(name)),
    ):
        pass
