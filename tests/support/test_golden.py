from __future__ import annotations

import pytest

from tests.support.golden import assert_golden


@pytest.fixture(autouse=True)
def _comparing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELPACK_GOLDEN", raising=False)


@pytest.mark.parametrize("text", ["", "minilm", "MP-E602"])
def test_assert_golden_other_text_fails(text: str) -> None:
    with pytest.raises(AssertionError):
        assert_golden("report/unmeasured.txt", text)


def test_assert_golden_missing_file_says_how_to_write_it() -> None:
    with pytest.raises(AssertionError, match="make golden"):
        assert_golden("report/no-such-file.txt", "")


def test_assert_golden_refuses_to_write_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_GOLDEN", "write")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(AssertionError, match="written by people"):
        assert_golden("report/no-such-file.txt", "")
