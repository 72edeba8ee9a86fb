"""Configuration files of tests, in a workspace of their own."""

from __future__ import annotations

from pathlib import Path


def write_config(folder: Path, text: str) -> Path:
    """A modelpack.toml in `folder/app`; the workspace is `folder`."""
    (folder / "pnpm-workspace.yaml").touch()
    (folder / "app").mkdir(exist_ok=True)
    config = folder / "app" / "modelpack.toml"
    config.write_bytes(text.encode())
    return config
