from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from modelpack.errors import StoreError
from modelpack.store.blobs import Blobs
from tests.support.damage import every_bit_flipped, every_truncation
from tests.support.planted import CONTENTS, SHAPES
from tests.support.stored import DIGEST_OF_ABC as ABC
from tests.support.stored import files_under


def blobs_with_planted(tmp_path: Path, plant: Callable[[Path], None]) -> Blobs:
    """A store at whose place for `abc` lies something else."""
    blobs = Blobs(tmp_path / "blobs")
    blobs.place(ABC).parent.mkdir(parents=True)
    plant(blobs.place(ABC))
    return blobs


@pytest.mark.parametrize("plant", [*SHAPES, *CONTENTS])
def test_put_over_a_planted_thing_sets_it_aside_and_stores_the_blob(
    tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    blobs = blobs_with_planted(tmp_path, plant)
    assert blobs.put_bytes(b"abc") == ABC
    assert blobs.read_bytes(ABC) == b"abc"
    assert stat.S_ISREG(blobs.path(ABC).lstat().st_mode)
    assert len(blobs.quarantine.content()) == 1


@pytest.mark.parametrize("plant", SHAPES)
def test_has_and_path_of_a_planted_shape_say_absent(
    tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    blobs = blobs_with_planted(tmp_path, plant)
    assert not blobs.has(ABC)
    with pytest.raises(StoreError):
        blobs.path(ABC)
    assert not os.path.lexists(blobs.place(ABC))


@pytest.mark.parametrize("plant", [*SHAPES, *CONTENTS])
def test_read_of_a_planted_thing_sets_it_aside_and_is_absent_then(
    tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    blobs = blobs_with_planted(tmp_path, plant)
    with pytest.raises(StoreError) as caught:
        blobs.read_bytes(ABC)
    assert caught.value.code == "MP-E701"
    assert caught.value.where == str(blobs.place(ABC))
    assert caught.value.remedy == "it was set aside; run the command again to rebuild it"
    assert not blobs.has(ABC)
    assert [path.name[:64] for path in blobs.quarantine.content()] == [ABC]


@pytest.mark.parametrize("plant", [*SHAPES, *CONTENTS])
def test_materialise_of_a_planted_thing_makes_no_copy(
    tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    blobs = blobs_with_planted(tmp_path, plant)
    (tmp_path / "out").mkdir()
    with pytest.raises(StoreError) as caught:
        blobs.materialise(ABC, tmp_path / "out" / "copy")
    assert caught.value.code == "MP-E701"
    assert files_under(tmp_path / "out") == []
    assert not blobs.has(ABC)


def test_read_of_a_blob_with_any_bit_flipped_or_byte_cut_is_refused(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.put_bytes(b"twelve bytes")
    for bad in (*every_bit_flipped(b"twelve bytes"), *every_truncation(b"twelve bytes")):
        blobs.discard(digest)
        blobs.place(digest).write_bytes(bad)
        with pytest.raises(StoreError):
            blobs.read_bytes(digest)


def test_quarantine_is_capped(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    for _ in range(20):
        blobs.put_bytes(b"abc")
        blobs.discard(ABC)
        blobs.place(ABC).write_bytes(b"bad")
        assert not blobs.verify(ABC)
    assert len(blobs.quarantine.content()) == 16
