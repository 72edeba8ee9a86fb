from __future__ import annotations

import pickle
import re

import pytest

from modelpack import errors
from modelpack.errors import CODES, ModelpackError, UsageError
from tests.support.cli import ROOT

CODE = re.compile(r"MP-E\d{3}")
USED = {
    code
    for path in (ROOT / "modelpack").rglob("*.py")
    if path.name != "errors.py"
    for code in CODE.findall(path.read_text())
}
CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ModelpackError)
]


def test_errors_every_code_in_the_source_is_listed() -> None:
    assert sorted(USED - CODES.keys()) == []


def test_errors_every_listed_code_is_in_the_source() -> None:
    assert sorted(CODES.keys() - USED) == []


def test_errors_codes_are_in_order_and_described() -> None:
    assert list(CODES) == sorted(CODES)
    assert len(set(CODES.values())) == len(CODES)
    assert [text for text in CODES.values() if text.endswith(".") or not text] == []


def test_error_prints_as_one_line_with_code_place_and_remedy() -> None:
    error = UsageError("MP-E111", 'unknown key "x"', where="modelpack.toml:3", remedy="remove it")
    assert str(error) == 'MP-E111 modelpack.toml:3: unknown key "x" — remove it'
    assert str(UsageError("MP-E111", "unknown key")) == "MP-E111 unknown key"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_error_survives_the_way_between_processes(kind: type[ModelpackError]) -> None:
    error = kind("MP-E403", "it failed", where="here", remedy="do that")
    error.details = "Traceback"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is kind
    assert (str(again), again.details) == ("MP-E403 here: it failed — do that", "Traceback")


def test_errors_exit_codes_are_those_of_the_documentation() -> None:
    assert {kind.__name__: kind.exit_code for kind in CLASSES if kind.exit_code != 1} == {
        "UsageError": 2,
        "SourceUnreachableError": 6,
        "CompatibilityError": 4,
        "FrozenError": 5,
        "InternalError": 7,
    }
