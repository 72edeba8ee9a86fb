from __future__ import annotations

import pytest

from modelpack.errors import StepError
from modelpack.graph.recipes.known import known


def test_known_gives_what_is_there() -> None:
    assert known(0, "a size") == 0


def test_known_missing_is_an_error_that_says_what() -> None:
    with pytest.raises(StepError, match="MP-E451 the graph leaves out a shape"):
        known(None, "a shape")
