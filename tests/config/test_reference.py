from __future__ import annotations

from pathlib import Path

from modelpack.config.reference import reference_text

PAGE = Path(__file__).parents[2] / "docs/config.md"


def test_reference_page_is_what_the_grammar_says() -> None:
    assert PAGE.read_text() == reference_text(), "run `make schemas`"


def test_reference_text_names_nested_keys_by_their_path() -> None:
    text = reference_text()
    assert "| `golden.metrics.cosine` |" in text
    assert "| `variants.<id>.block_size` | `32` |" in text
    assert "| `state[].input` | required |" in text
