"""Comparing text with a golden file, exactly."""

from __future__ import annotations

import os
from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Fails unless `text` is what `tests/golden/<name>` holds. `make golden` (MODELPACK_GOLDEN=write) rewrites the file."""
    path = _FOLDER / name
    if os.environ.get("MODELPACK_GOLDEN") == "write":
        assert "CI" not in os.environ, "golden files are written by people and reviewed"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.is_file(), f"{path} is missing; `make golden` writes it, then review the diff"
    # Bytes, not text: universal newlines would hide a stray carriage return.
    assert text == path.read_bytes().decode("utf-8")
