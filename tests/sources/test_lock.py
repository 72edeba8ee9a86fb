from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.config.read import read_project
from modelpack.errors import UsageError
from modelpack.sources.lock import Locked, lock_bytes, lock_name, pinned, read_lock
from modelpack.spec.sources import (
    CheckpointSource,
    FileSource,
    NpmSource,
    PythonSource,
    Source,
    UrlSource,
)

PROJECT = Path("/project")
URL = "https://example.com/a.onnx"
NPM = NpmSource("@acme/pack", "a.onnx", PROJECT)
FOLDER = FileSource(PROJECT / "models" / "bert")


def test_lock_is_the_same_whatever_the_order() -> None:
    one, other = Locked("00", "1.2.0"), Locked("11")
    assert lock_bytes({"b": one, "a": other}) == lock_bytes({"a": other, "b": one})
    assert (
        lock_bytes({"b": one, "a": other}).decode()
        == """\
{
  "version": 1,
  "sources": {
    "a": {
      "sha256": "11"
    },
    "b": {
      "sha256": "00",
      "version": "1.2.0"
    }
  }
}
"""
    )


def test_lock_that_was_written_is_read(tmp_path: Path) -> None:
    sources = {"npm:pack/a.onnx": Locked("00", "1.2.0"), URL: Locked("11")}
    (tmp_path / "modelpack.lock").write_bytes(lock_bytes(sources))
    assert read_lock(tmp_path / "modelpack.lock") == sources
    assert read_lock(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"version": 1}', "sources"),
        ('{"version": 1, "sources": {"a": {}}}', "sha256"),
        ('{"version": 1, "sources": {"a": {"sha256": "00", "md5": "00"}}}', "md5"),
        ('{"version": 2, "sources": {}}', "version 2; this modelpack reads 1"),
    ],
)
def test_lock_of_another_form_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "modelpack.lock"
    path.write_text(content)
    with pytest.raises(UsageError, match=f"MP-E721.*{message}"):
        read_lock(path)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (NPM, "npm:@acme/pack/a.onnx"),
        (PythonSource("pack.data", "a.onnx"), "py:pack.data/a.onnx"),
        (UrlSource(URL), URL),
        (CheckpointSource(FOLDER, FOLDER.path, ()), "models/bert"),
        (CheckpointSource(NPM, Path("/elsewhere"), ()), "npm:@acme/pack/a.onnx"),
        (FileSource(PROJECT / "a.onnx"), ""),
    ],
)
def test_lock_names_sources_as_the_configuration_does(source: Source, name: str) -> None:
    assert lock_name(source, PROJECT) == name


def test_lock_pins_what_the_configuration_does_not(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    config = tmp_path / "modelpack.toml"
    own = "0" * 64
    config.write_text(
        f'[models.a]\nsource = "{URL}"\ngolden = {{ samples = "g.npz", reference = "c" }}\n'
        f'[models.b]\nsource = "{URL}"\nsha256 = "{own}"\n'
        f'[models.c]\nsource = "{URL}?c"\n'
    )
    locked = {URL: Locked("1" * 64), f"{URL}?c": Locked("2" * 64)}
    a, b, c = pinned(read_project(config, "production"), locked).models
    assert a.source == UrlSource(URL, (), "1" * 64, ())
    assert b.source == UrlSource(URL, (), own)
    assert c.source == UrlSource(f"{URL}?c", (), "2" * 64, ())
    assert a.golden is not None
    assert a.golden.reference is not None
    assert a.golden.reference.source == c.source
