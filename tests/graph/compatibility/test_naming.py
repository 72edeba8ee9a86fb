from __future__ import annotations

import pytest
from onnx import helper

from modelpack.graph.compatibility.naming import counted, operator_of, reason_for

ACCEPTED = (("NonZero", "rare"), ("/head/*", "at the end"), ("com.microsoft.Gelu", "small"))


@pytest.mark.parametrize(
    ("domain", "name"), [("", "Gelu"), ("ai.onnx", "Gelu"), ("com.microsoft", "com.microsoft.Gelu")]
)
def test_operator_of_has_the_domain_of_others(domain: str, name: str) -> None:
    assert operator_of(helper.make_node("Gelu", ["x"], ["y"], domain=domain)) == name


@pytest.mark.parametrize(
    ("operator", "label", "reason"),
    [
        ("NonZero", "/first", "rare"),
        ("Add", "/head/Add", "at the end"),
        ("com.microsoft.Gelu", "/g", "small"),
        ("Gelu", "/g", None),
        ("Add", "/body/head/Add", None),
    ],
)
def test_reason_for_is_that_of_the_operator_or_the_pattern(
    operator: str, label: str, reason: str | None
) -> None:
    assert reason_for(operator, label, ACCEPTED) == reason


def test_counted_names_the_most_frequent_first() -> None:
    assert counted(["Add", "Mul", "Mul"]) == "2 × Mul, Add"
    assert counted([]) == ""
