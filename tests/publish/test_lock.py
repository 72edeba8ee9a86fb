from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest

from modelpack.publish.lock import publishing


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = tmp_path / "tmp"
    own.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    return own


def test_publishing_while_somebody_publishes_waits_and_says_so_once(tmp_path: Path) -> None:
    heard: list[str] = []
    order: list[str] = []
    waiting = threading.Event()

    def tell(message: str) -> None:
        heard.append(message)
        waiting.set()

    def second() -> None:
        with publishing(tmp_path / "out", tell):
            order.append("second")

    with publishing(tmp_path / "out", heard.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)

    assert order == ["first", "second"]
    assert heard == ["waiting for another modelpack to finish publishing to out"]


def test_publishing_to_another_folder_does_not_wait(tmp_path: Path) -> None:
    heard: list[str] = []

    with (
        publishing(tmp_path / "one", heard.append),
        publishing(tmp_path / "other", heard.append),
    ):
        assert heard == []


def test_publishing_leaves_nothing_in_the_output_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()

    with publishing(out, lambda _: None):
        assert list(out.iterdir()) == []


def test_publishing_without_a_place_for_the_lock_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    done = False

    with publishing(tmp_path / "out", lambda _: None):
        done = True

    assert done


def test_publishing_does_not_use_a_folder_that_is_a_link(
    tmp_path: Path, own_temporary_folder: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with publishing(tmp_path / "out", lambda _: None):
        (made,) = own_temporary_folder.iterdir()
    for lock in made.iterdir():
        lock.unlink()
    made.rmdir()
    made.symlink_to(elsewhere)

    with publishing(tmp_path / "out", lambda _: None):
        assert list(elsewhere.iterdir()) == []
