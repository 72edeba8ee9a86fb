from __future__ import annotations

from modelpack.graph.passes.clear_notes import ClearNotesPass
from tests.support import onnx_models
from tests.support.passes import apply, computes_the_same


def test_clear_notes_drops_all_text_about_the_model() -> None:
    before = onnx_models.mlp()
    before.doc_string = "secret: model"
    before.metadata_props.add(key="secret: key", value="<script>")
    before.graph.doc_string = "secret: graph"
    before.graph.metadata_props.add(key="secret: key", value="b")
    before.graph.node[0].doc_string = "secret: node, /home/someone/train.py"
    before.graph.input[0].doc_string = "secret: input"

    after, modified = apply(ClearNotesPass(), before)

    assert modified
    assert b"secret" not in after.SerializeToString()
    assert computes_the_same(before, after)


def test_clear_notes_without_any_changes_nothing() -> None:
    _, modified = apply(ClearNotesPass(), onnx_models.mlp())

    assert not modified
