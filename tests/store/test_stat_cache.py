from __future__ import annotations

import io
import itertools
import os
import time
from pathlib import Path

import pytest

from modelpack.errors import SourceError
from modelpack.store.sealed import seal
from modelpack.store.stat_cache import StatCache
from tests.support.clock import FakeClock
from tests.support.damage import every_bit_flipped, every_truncation, overwrite
from tests.support.limits import files_limited_to
from tests.support.opened_files import opened_files
from tests.support.stored import DIGEST_OF_ABC as ABC
from tests.support.stored import files_under

DIGEST_OF_ABD = "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"


def an_hour_later() -> FakeClock:
    """Late enough that nothing made during the test is young."""
    return FakeClock(time.time() + 3600)


def source(tmp_path: Path, content: bytes = b"abc") -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    return path


def hashed(cache: StatCache, path: Path) -> int:
    """How often the file is read when its digest is asked for once."""
    with opened_files() as opened:
        cache.digest(path)
    return opened.count(str(path))


def test_digest_gives_sha256_and_size(tmp_path: Path) -> None:
    assert StatCache(tmp_path / "stats.json").digest(source(tmp_path)) == (ABC, 3)


def test_digest_of_an_old_file_reads_it_once(tmp_path: Path) -> None:
    cache, path = StatCache(tmp_path / "stats.json", clock=an_hour_later()), source(tmp_path)
    assert [hashed(cache, path) for _ in range(3)] == [1, 0, 0]
    assert cache.digest(path) == (ABC, 3)


def test_digest_of_a_young_file_reads_it_until_it_is_old(tmp_path: Path) -> None:
    path = source(tmp_path)
    clock = FakeClock(path.stat().st_ctime + 1.5)
    cache = StatCache(tmp_path / "stats.json", clock=clock)
    assert [hashed(cache, path) for _ in range(2)] == [1, 1]
    clock.tick(1.0)
    assert [hashed(cache, path) for _ in range(2)] == [1, 0]


def test_digest_of_a_file_with_an_old_stamp_but_a_young_change_reads_it_again(
    tmp_path: Path,
) -> None:
    path = source(tmp_path)
    os.utime(path, ns=(7, 7))
    cache = StatCache(tmp_path / "stats.json", clock=FakeClock(path.stat().st_ctime + 1.5))
    assert [hashed(cache, path) for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("now_s", [0.0, 1_000_000.0])
def test_digest_with_a_clock_in_the_past_reads_every_time(tmp_path: Path, now_s: float) -> None:
    cache, path = StatCache(tmp_path / "stats.json", clock=FakeClock(now_s)), source(tmp_path)
    assert [hashed(cache, path) for _ in range(2)] == [1, 1]


def test_digest_of_a_file_from_the_future_reads_every_time(tmp_path: Path) -> None:
    cache, path = StatCache(tmp_path / "stats.json", clock=an_hour_later()), source(tmp_path)
    os.utime(path, (4_000_000_000, 4_000_000_000))
    assert [hashed(cache, path) for _ in range(2)] == [1, 1]


def test_digest_after_an_edit_of_same_size_and_mtime_is_new(tmp_path: Path) -> None:
    cache, path = StatCache(tmp_path / "stats.json", clock=an_hour_later()), source(tmp_path)
    os.utime(path, ns=(7, 7))
    assert cache.digest(path) == (ABC, 3)
    path.write_bytes(b"abd")
    os.utime(path, ns=(7, 7))
    assert cache.digest(path) == (DIGEST_OF_ABD, 3)


def test_digest_after_a_young_edit_within_one_tick_is_new(tmp_path: Path) -> None:
    path = source(tmp_path)
    cache = StatCache(tmp_path / "stats.json", clock=FakeClock(path.stat().st_ctime))
    cache.digest(path)
    path.write_bytes(b"abd")
    assert cache.digest(path) == (DIGEST_OF_ABD, 3)


def test_digest_after_replacement_by_rename_is_new(tmp_path: Path) -> None:
    cache, path = StatCache(tmp_path / "stats.json", clock=an_hour_later()), source(tmp_path)
    cache.digest(path)
    (tmp_path / "new").write_bytes(b"abd")
    (tmp_path / "new").replace(path)
    assert cache.digest(path) == (DIGEST_OF_ABD, 3)


def test_digest_of_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    cache, path = StatCache(tmp_path / "stats.json", clock=an_hour_later()), source(tmp_path)
    cache.digest(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        cache.digest(path)


class _TouchedStream(io.FileIO):
    """A file that somebody touches at every read, each time with another stamp."""

    stamps = itertools.count()

    def read(self, size: int | None = -1, /) -> bytes:
        stamp = next(self.stamps)
        os.utime(self.fileno(), ns=(stamp, stamp))
        return super().read(size)


class _TouchedPath(type(Path())):  # type: ignore[misc]  # Path itself cannot be derived from before Python 3.12
    def open(self, *_arguments: object, **_options: object) -> _TouchedStream:
        return _TouchedStream(self)


def test_digest_of_a_file_that_keeps_changing_is_refused(tmp_path: Path) -> None:
    path = _TouchedPath(source(tmp_path))
    with pytest.raises(SourceError) as caught:
        StatCache(tmp_path / "stats.json").digest(path)
    assert caught.value.code == "MP-E230"
    assert caught.value.where == str(path)


def test_save_lets_the_next_process_read_nothing(tmp_path: Path) -> None:
    path = source(tmp_path)
    first = StatCache(tmp_path / "stats.json", clock=an_hour_later())
    first.digest(path)
    first.save()
    second = StatCache(tmp_path / "stats.json", clock=an_hour_later())
    assert hashed(second, path) == 0
    assert second.digest(path) == (ABC, 3)


def test_save_without_news_writes_nothing(tmp_path: Path) -> None:
    cache, path = StatCache(tmp_path / "stats.json", clock=an_hour_later()), source(tmp_path)
    cache.save()
    assert not (tmp_path / "stats.json").exists()
    cache.digest(path)
    cache.save()
    inode = (tmp_path / "stats.json").stat().st_ino
    cache.digest(path)
    cache.save()
    assert (tmp_path / "stats.json").stat().st_ino == inode


def test_save_keeps_what_another_process_saved_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abd")
    first = StatCache(tmp_path / "stats.json", clock=an_hour_later())
    second = StatCache(tmp_path / "stats.json", clock=an_hour_later())
    first.digest(tmp_path / "a")
    second.digest(tmp_path / "b")
    first.save()
    second.save()
    third = StatCache(tmp_path / "stats.json", clock=an_hour_later())
    assert [hashed(third, tmp_path / name) for name in "ab"] == [0, 0]


def test_load_of_a_damaged_file_is_an_empty_cache_and_never_a_wrong_digest(tmp_path: Path) -> None:
    path, stats = source(tmp_path), tmp_path / "stats.json"
    cache = StatCache(stats, clock=an_hour_later())
    cache.digest(path)
    cache.save()
    good = stats.read_bytes()
    for bad in (*every_bit_flipped(good), *every_truncation(good), seal(b"[]")):
        overwrite(stats, bad)
        assert StatCache(stats, clock=an_hour_later()).digest(path) == (ABC, 3)
    assert hashed(StatCache(stats, clock=an_hour_later()), path) == 1


def test_save_over_a_damaged_file_heals_it(tmp_path: Path) -> None:
    path, stats = source(tmp_path), tmp_path / "stats.json"
    stats.write_bytes(b"\x00" * 100)
    cache = StatCache(stats, clock=an_hour_later())
    cache.digest(path)
    cache.save()
    assert hashed(StatCache(stats, clock=an_hour_later()), path) == 0


def test_save_on_a_full_disk_forgets_and_leaves_nothing(tmp_path: Path) -> None:
    cache = StatCache(tmp_path / "cache" / "stats.json")
    cache.digest(source(tmp_path))
    with files_limited_to(0):
        cache.save()
    assert files_under(tmp_path) == ["model.onnx"]


def test_digest_of_a_name_that_is_no_unicode_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"m\xff.onnx")
    path.write_bytes(b"abc")
    cache = StatCache(tmp_path / "stats.json", clock=an_hour_later())
    cache.digest(path)
    cache.save()
    assert hashed(StatCache(tmp_path / "stats.json", clock=an_hour_later()), path) == 0


def test_fallback_is_read_and_not_written(tmp_path: Path) -> None:
    path = source(tmp_path)
    first = StatCache(tmp_path / "read.json", clock=an_hour_later())
    first.digest(path)
    first.save()
    before = (tmp_path / "read.json").read_bytes()
    second = StatCache(
        tmp_path / "write.json", clock=an_hour_later(), fallback=tmp_path / "read.json"
    )
    assert hashed(second, path) == 0
    path.write_bytes(b"abd")
    second.digest(path)
    second.save()
    assert (tmp_path / "read.json").read_bytes() == before


def test_digest_of_a_thousand_known_files_opens_none_and_takes_no_time(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.onnx" for number in range(1000)]
    for path in paths:
        path.write_bytes(b"abc")
    first = StatCache(tmp_path / "stats.json", clock=an_hour_later())
    for path in paths:
        first.digest(path)
    first.save()
    began_s = time.perf_counter()
    with opened_files() as opened:
        second = StatCache(tmp_path / "stats.json", clock=an_hour_later())
        for path in paths:
            second.digest(path)
    assert opened == [str(tmp_path / "stats.json")]
    assert time.perf_counter() - began_s < 60  # 10 ms measured; a guard against anything quadratic
