from __future__ import annotations

import pytest

from modelpack.report.add import NewModel, model_text, variants_for


@pytest.mark.parametrize(
    ("size_bytes", "variants"),
    [
        (0, ("fp32",)),
        (999_999, ("fp32",)),
        (1_000_000, ("q8", "fp32")),
        (90_000_000, ("fp16", "q8")),
        (400_000_000, ("fp16", "q4")),
    ],
)
def test_add_variants_follow_the_size(size_bytes: int, variants: tuple[str, ...]) -> None:
    assert variants_for(size_bytes) == variants


def test_add_text_has_a_budget_for_what_was_measured() -> None:
    model = NewModel("words", 'a "b".onnx', (("task", "fill-mask"),), ("fp16", "q8", "q4"))
    assert model_text(model, {"fp16": 41_600_000, "q8": 61_300}) == (
        "[models.words]\n"
        'source = "a \\"b\\".onnx"\n'
        'task = "fill-mask"\n'
        "\n"
        "[models.words.variants]\n"
        'fp16 = { budget = { download = "45.76 MB" } }\n'
        'q8 = { budget = { download = "70 kB" } }\n'
        "q4 = {}\n"
    )
