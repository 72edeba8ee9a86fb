from __future__ import annotations

import os
import zlib
from importlib import metadata
from typing import get_args

import pytest

from modelpack.engine.machine import (
    numeric_platform,
    tool_versions,
    usable_memory_bytes,
)
from modelpack.planned import StepKind
from modelpack.units import MIB


@pytest.mark.parametrize("kind", get_args(StepKind))
def test_machine_knows_the_version_of_every_tool(kind: StepKind) -> None:
    versions = dict(tool_versions(kind))
    versions.pop("zlib", None)
    for name, version in versions.items():
        try:
            assert version == metadata.version(name)
        except metadata.PackageNotFoundError:
            assert version == "not installed"


def test_machine_knows_the_zlib_that_gzip_is_made_with() -> None:
    assert dict(tool_versions("compress"))["zlib"] == zlib.ZLIB_RUNTIME_VERSION


def test_machine_names_the_processor_only_where_numbers_depend_on_it() -> None:
    assert numeric_platform("split") == ""
    assert numeric_platform("evaluate").endswith(" CPUExecutionProvider")
    assert numeric_platform("simplify") == numeric_platform("evaluate")  # folds with its kernels
    assert numeric_platform("quantize") == numeric_platform("evaluate")  # fp16 watches ranges
    assert numeric_platform("evaluate").split()[0] == os.uname().machine


def test_machine_has_memory() -> None:
    assert 512 * MIB <= usable_memory_bytes() < 1 << 46
