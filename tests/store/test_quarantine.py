from __future__ import annotations

from pathlib import Path

from modelpack.store.quarantine import Quarantine
from tests.support.ordinary_user import ordinary_user


def test_take_moves_the_thing_and_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"evidence")
    quarantine = Quarantine(tmp_path / "quarantine")
    assert quarantine.take(tmp_path / "bad")
    assert not (tmp_path / "bad").exists()
    assert [path.read_bytes() for path in quarantine.content()] == [b"evidence"]


def test_take_keeps_the_sixteen_latest(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    for number in range(18):
        (tmp_path / f"{number}").write_bytes(b"")
        quarantine.take(tmp_path / f"{number}")
    names = {path.name.split(".")[0] for path in quarantine.content()}
    assert names == {str(number) for number in range(2, 18)}


def test_take_keeps_at_most_a_gibibyte(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "sparse").open("wb") as stream:
            stream.truncate(700 << 20)
        quarantine.take(tmp_path / name)
    assert [path.name.split(".")[0] for path in quarantine.content()] == ["second"]


def test_take_of_nothing_is_done(tmp_path: Path) -> None:
    assert Quarantine(tmp_path / "quarantine").take(tmp_path / "missing")


def test_take_where_it_cannot_be_moved_removes_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "bad").write_bytes(b"")
    assert Quarantine(tmp_path / "file" / "quarantine").take(tmp_path / "bad")
    assert not (tmp_path / "bad").exists()


def test_take_from_a_locked_folder_says_it_is_still_there() -> None:
    with ordinary_user() as folder:
        (folder / "bad").write_bytes(b"")
        folder.chmod(0o500)
        assert not Quarantine(folder / "quarantine").take(folder / "bad")
        assert (folder / "bad").exists()
