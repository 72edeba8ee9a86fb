from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import get_args

import pytest

import modelpack
from modelpack.digest import digest_file
from modelpack.engine.code import code_digests
from modelpack.planned import StepKind
from modelpack.steps.catalog import CATALOG
from tests.support.imports import modules_behind, packages_of

PACKAGE = Path(modelpack.__file__).parent
# msgspec writes the same JSON whatever its version; golden sets only share the words of sessions with onnxruntime.
HARMLESS = {*((kind, "msgspec") for kind in get_args(StepKind)), ("golden", "onnxruntime")}


def test_code_digests_are_those_of_the_files() -> None:
    for name, digest in code_digests("split"):
        assert digest == digest_file(PACKAGE / name)


@pytest.mark.parametrize("kind", get_args(StepKind))
def test_code_digests_hold_every_module_that_the_step_can_import(kind: StepKind) -> None:
    """A module that a step uses and no key knows would one day serve stale bytes."""
    known = {name for name, _ in code_digests(kind)}
    harmless = {"__init__.py", "steps/__init__.py"}
    assert modules_behind(f"steps/{kind}.py") - known - harmless == set()


@pytest.mark.parametrize("kind", get_args(StepKind))
def test_code_every_package_that_the_step_can_import_is_in_its_key(kind: StepKind) -> None:
    distributions = metadata.packages_distributions()
    used = {
        distribution
        for name in modules_behind(f"steps/{kind}.py")
        for package in packages_of(name)
        for distribution in distributions.get(package, ("zlib",) if package == "zlib" else ())
    }
    known = {*CATALOG[kind].tools, "modelpack"}
    assert {one for one in used - known if (kind, one) not in HARMLESS} == set()
