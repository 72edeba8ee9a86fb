from __future__ import annotations

from modelpack.report.watch import watch_text
from modelpack.watched import BuildBegan, Resting, WatchNote, WatchTrouble


def test_watch_text_first_build_says_nothing() -> None:
    assert watch_text(BuildBegan(())) == ""


def test_watch_text_names_a_few_changed_files() -> None:
    assert watch_text(BuildBegan(("a",))) == "changed: a\n"
    assert watch_text(BuildBegan(("a", "b", "c"))) == "changed: a, b, c\n"
    assert watch_text(BuildBegan(("a", "b", "c", "d"))) == "changed: a, b, c and 1 other file\n"


def test_watch_text_escapes_names() -> None:
    assert watch_text(BuildBegan(("a\x1b[2J",))) == "changed: a\\x1b[2J\n"
    assert watch_text(WatchNote("a\nb")) == "note a\\nb\n"


def test_watch_text_trouble_says_what_stays() -> None:
    assert watch_text(WatchTrouble("MP-E110 x: broken")) == (
        "MP-E110 x: broken\nwhat was published before stays\n"
    )


def test_watch_text_resting_says_how() -> None:
    assert watch_text(Resting(1, "events")) == "watching 1 folder; Ctrl-C stops\n"
    assert watch_text(Resting(3, "looking")) == "looking into 3 folders; Ctrl-C stops\n"
