from __future__ import annotations

from pathlib import Path
from threading import Event

from modelpack.serve.hints import SystemHints

LIMIT_S = 60.0


def test_hints_come_for_files_of_the_folder_until_stopped(tmp_path: Path) -> None:
    hints, heard = SystemHints(), Event()
    hints.watch(frozenset({tmp_path}), heard.set)
    for number in range(int(LIMIT_S / 0.2)):  # it watches from soon on
        (tmp_path / f"{number}").write_text("x")
        if heard.wait(0.2):
            break
    assert heard.is_set()
    assert hints.reason == ""
    hints.stop()


def test_hints_of_a_missing_folder_say_why_there_are_none(tmp_path: Path) -> None:
    # W02: watchfiles refuses a missing folder and a full table of watches in the same way.
    hints, heard = SystemHints(), Event()
    hints.watch(frozenset({tmp_path / "gone"}), heard.set)
    assert heard.wait(LIMIT_S)
    assert hints.reason.startswith("the system sends no events (")
    hints.stop()


def test_hints_that_never_began_can_be_stopped() -> None:
    SystemHints().stop()
