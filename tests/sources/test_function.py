from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.errors import SourceError
from modelpack.sources.function import function_files
from modelpack.spec.sources import FunctionSource


def make(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(folder: Path, module: str, *read: str) -> list[str]:
    source = FunctionSource(module, "make", folder, tuple(folder / name for name in read))
    return [path.relative_to(folder).as_posix() for path in function_files(source).files]


def test_function_files_follow_imports_within_the_project(tmp_path: Path) -> None:
    make(
        tmp_path,
        nets__words="import torch\nfrom . import layers\nfrom nets.sizes import WIDTH\nimport json",
        nets__layers="def f():\n    from .deep.down import g",
        nets__sizes="WIDTH = 3",
        nets__deep__down="from ..sizes import WIDTH\nfrom .. import layers",
        nets__other="",
    )
    (tmp_path / "nets" / "__init__.py").write_text("")
    (tmp_path / "w.safetensors").write_bytes(b"")
    assert names(tmp_path, "nets.words", "w.safetensors") == [
        "nets/words.py", "nets/__init__.py", "nets/deep/down.py", "nets/layers.py",
        "nets/sizes.py", "w.safetensors",
    ]  # fmt: skip


def test_function_files_that_would_come_first_are_told(tmp_path: Path) -> None:
    make(tmp_path, words="import torch, sizes", sizes="")
    found = function_files(FunctionSource("words", "make", tmp_path))
    assert tmp_path / "torch.py" in found.absent
    assert tmp_path / "words.py" not in found.absent


def test_function_without_module_says_where_it_would_be(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r'MP-E201.*expected "nets/words\.py" in'):
        names(tmp_path, "nets.words")


def test_function_with_a_missing_file_says_which(tmp_path: Path) -> None:
    make(tmp_path, words="")
    with pytest.raises(SourceError, match=r"MP-E201.*w\.bin: no such file"):
        names(tmp_path, "words", "w.bin")


def test_function_in_a_broken_module_is_no_python(tmp_path: Path) -> None:
    make(tmp_path, words="def (")
    with pytest.raises(SourceError, match=r"MP-E463.*it is no Python"):
        names(tmp_path, "words")
