from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

import modelpack
from modelpack.digest import digest_file
from modelpack.engine.code import code_digests
from modelpack.spec import StepKind
from tests.support.imports import modules_behind

PACKAGE = Path(modelpack.__file__).parent


def test_code_digests_are_those_of_the_files() -> None:
    for name, digest in code_digests("split"):
        assert digest == digest_file(PACKAGE / name)


@pytest.mark.parametrize("kind", get_args(StepKind))
def test_code_digests_hold_every_module_that_the_step_can_import(kind: StepKind) -> None:
    """A module that a step uses and no key knows would one day serve stale bytes."""
    known = {name for name, _ in code_digests(kind)}
    harmless = {"__init__.py", "steps/__init__.py"}
    assert modules_behind(f"steps/{kind}.py") - known - harmless == set()
