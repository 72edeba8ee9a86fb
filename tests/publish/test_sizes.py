from __future__ import annotations

from modelpack.publish.manifest import make_manifest
from modelpack.publish.sizes import (
    asset_transfers,
    shared_shares,
    variant_chunk_count,
    variant_transfer_bytes,
)
from tests.support.packs import Blobs, VariantContent, model, pack


def test_variant_figures_count_each_chunk_once() -> None:
    blobs = Blobs()
    content = VariantContent("fp32", b"graph", (b"0123456789", b"abc", b"0123456789"))
    manifest = make_manifest(pack((model("m", (content,), blobs),), blobs, "static", ()))

    (variant,) = manifest.models["m"].variants

    assert variant_chunk_count(manifest, variant) == 3
    assert variant_transfer_bytes(manifest, variant) == 5 + 10 + 3
    assert variant.size.decoded == 5 + 10 + 64 + 3 + 64 + 10


def test_shared_shares_count_bytes_that_another_variant_has_too() -> None:
    blobs = Blobs()
    contents = (
        VariantContent("one", b"1" * 30, (b"s" * 10,)),
        VariantContent("two", b"2" * 10, (b"s" * 10,)),
    )
    alone = model("alone", (VariantContent("one", b"3" * 10),), blobs)

    manifest = make_manifest(pack((model("m", contents, blobs), alone), blobs, "static", ()))

    assert shared_shares(manifest) == {
        ("alone", "one"): 0.0,
        ("m", "one"): 0.25,
        ("m", "two"): 0.5,
    }


def test_asset_transfers_count_a_shared_chunk_once() -> None:
    blobs = Blobs()
    assets = {"labels": b"same bytes", "tokenizer": b"other", "words": b"same bytes"}
    one = model("m", (VariantContent("fp32", b"graph"),), blobs, assets=assets)

    manifest = make_manifest(pack((one,), blobs, "static", ()))

    sizes = asset_transfers(manifest, manifest.models["m"])
    assert sizes == {"labels": 10, "tokenizer": 5, "words": 0}
