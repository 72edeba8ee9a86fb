from __future__ import annotations

import msgspec

from modelpack.publish.manifest import make_manifest
from modelpack.publish.types import types_source
from modelpack.record import ValueFacts
from tests.support.golden import assert_golden
from tests.support.packs import Blobs, VariantContent, model, pack


def test_types_source_two_models_is_the_golden() -> None:
    blobs = Blobs()
    half = VariantContent("half", b"2", (), "fp16", "webgpu")
    minilm = model(
        "minilm", (VariantContent("q8", b"1"), half), blobs, {"labels": b"a", "cut": b"b"}
    )
    recurrent = model("recurrent", (VariantContent("fp32", b"3"),), blobs)

    manifest = make_manifest(pack((recurrent, minilm), blobs, "static", ()))

    assert_golden("publish/models.d.ts", types_source(manifest))


def test_types_source_odd_names_stay_inside_their_quotes() -> None:
    blobs = Blobs()
    odd = ValueFacts('a"; type X = any; //\n*/', "float32", ('b"\\', 3))
    named = msgspec.structs.replace(
        model("m", (VariantContent("fp32", b"1"),), blobs), inputs=(odd,)
    )

    source = types_source(make_manifest(pack((named,), blobs, "static", ())))

    expected = (
        r'        readonly "a\"; type X = any; //\n*/": Value<"float32", readonly ["b\"\\", 3]>;'
    )
    assert expected in source.splitlines()
