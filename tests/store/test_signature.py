from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from modelpack.store.signature import stat_signature


def test_signature_of_a_file_is_size_mtime_ctime_inode(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"abcde")
    os.utime(path, ns=(1, 1_700_000_000_123_456_789))
    status = path.stat()
    assert stat_signature(path) == (
        5,
        1_700_000_000_123_456_789,
        status.st_ctime_ns,
        status.st_ino,
    )


def test_signature_of_a_replaced_file_differs(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    for file in (path, other):
        file.write_bytes(b"same")
        os.utime(file, ns=(7, 7))
    before = stat_signature(path)
    other.replace(path)
    assert stat_signature(path) != before


def test_signature_module_imports_nothing_heavy() -> None:
    program = (
        "import __future__, sys; before = set(sys.modules); import modelpack.store.signature; "
        "print(sorted(set(sys.modules) - before))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "['modelpack', 'modelpack.store', 'modelpack.store.signature']"
