from __future__ import annotations

import pytest

from modelpack.config.keypath import parse_key_path
from modelpack.config.place import Keys, spell


@pytest.mark.parametrize(
    "keys",
    [
        ("models",),
        ("models", "minilm", "budget", "load_time", "fast4g"),
        ("models", "t5.encoder", "golden", "metrics", "python:tools.metrics:f"),
        ("models", 'a"b\\c', "é"),
    ],
)
def test_parse_key_path_is_the_inverse_of_spell(keys: Keys) -> None:
    assert parse_key_path(spell(keys)) == keys


def test_parse_key_path_of_something_else_fails() -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_key_path("models..x")
