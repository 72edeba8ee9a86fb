from __future__ import annotations

import os
from pathlib import Path

from modelpack.store.lock import try_lock


def test_try_lock_is_exclusive_until_the_file_is_closed(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"")
    first, second = (os.open(tmp_path / "lock", os.O_RDWR) for _ in range(2))
    assert try_lock(first)
    assert not try_lock(second)
    os.close(first)
    assert try_lock(second)
    os.close(second)
