from __future__ import annotations

from modelpack.graph.recipes.kept import EXCLUDED, Kept


def test_kept_weights_are_told_in_one_line_for_each_reason() -> None:
    kept = Kept()
    for name in ("a", "b", "c", "d"):
        kept.add(name, "no narrow form for Add")
    kept.add("e", EXCLUDED)

    assert kept.notes() == (
        "4 weights stay float32: no narrow form for Add: a, b, c and 1 more",
        "e stays float32: nodes_to_exclude names a reader",
    )
