from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.errors import ManifestError, UsageError
from modelpack.publish.emit import publish
from modelpack.publish.manifest import encode_manifest, make_manifest
from modelpack.publish.merge import merge_models
from modelpack.publish.pack import Pack
from modelpack.publish.parse import parse_manifest
from modelpack.publish.wire import Manifest
from modelpack.spec.project import Form
from tests.support.packs import TEXT, Blobs, VariantContent, model, pack

FP32 = VariantContent("fp32", b"graph", (TEXT,))
Q8 = VariantContent("q8", b"graph of q8", (TEXT[::-1], TEXT), "q8")
HALF = VariantContent("half", b"graph of half", (TEXT,), "fp16", "webgpu")

ALL_FORMS: tuple[Form, ...] = ("gzip", "zstd", "br")


def packed(blobs: Blobs, **models: tuple[VariantContent, ...]) -> Pack:
    return pack(
        tuple(
            model(name, contents, blobs, {"labels": b"cat"}) for name, contents in models.items()
        ),
        blobs,
    )


def variants(manifest: Manifest) -> dict[str, list[str]]:
    return {
        model_id: [variant.id for variant in found.variants]
        for model_id, found in manifest.models.items()
    }


def test_merge_models_without_previous_is_the_new_pack() -> None:
    new = packed(Blobs(), a=(FP32,))

    assert merge_models(new, None, ("a", "b")) == new


def test_merge_models_rebuilt_model_gives_the_manifest_of_a_whole_build() -> None:
    blobs = Blobs()
    whole = make_manifest(packed(blobs, a=(FP32, HALF), b=(Q8,), c=(FP32,)))

    merged = make_manifest(merge_models(packed(blobs, b=(Q8,)), whole, ("a", "b", "c")))

    assert encode_manifest(merged) == encode_manifest(whole)


def test_merge_models_no_longer_configured_is_dropped() -> None:
    blobs = Blobs()
    previous = make_manifest(packed(blobs, a=(FP32,), b=(Q8,)))

    merged = make_manifest(merge_models(packed(blobs, c=(FP32,)), previous, ("b", "c")))

    assert variants(merged) == {"b": ["q8"], "c": ["fp32"]}


def test_merge_models_single_variant_keeps_the_others_in_their_order() -> None:
    blobs = Blobs()
    previous = make_manifest(packed(blobs, a=(FP32, Q8, HALF)))

    new = packed(blobs, a=(Q8,))
    merged = make_manifest(merge_models(new, previous, ("a@fp32", "a@q8", "a@half")))

    assert encode_manifest(merged) == encode_manifest(previous)


def test_merge_models_chunk_shared_with_a_kept_variant_keeps_its_forms() -> None:
    blobs = Blobs()
    whole = make_manifest(pack((model("a", (FP32, Q8), blobs),), blobs, "nginx", ALL_FORMS))

    new = pack((model("a", (FP32,), blobs),), blobs, "nginx", ("gzip", "zstd"))
    merged = make_manifest(merge_models(new, whole, ("a@fp32", "a@q8")))

    assert encode_manifest(merged) == encode_manifest(whole)


def test_merge_models_chunk_that_only_the_new_build_needs_has_its_forms() -> None:
    blobs = Blobs()
    previous = make_manifest(pack((model("a", (FP32,), blobs),), blobs, "nginx", ALL_FORMS))

    new = pack((model("a", (FP32,), blobs),), blobs, "nginx", ("gzip", "zstd"))

    assert make_manifest(merge_models(new, previous, ("a@fp32",))) == make_manifest(new)


def test_merge_models_variant_of_a_rebuilt_model_goes_unless_it_is_named() -> None:
    blobs = Blobs()
    previous = make_manifest(packed(blobs, a=(FP32, Q8)))

    merged = make_manifest(merge_models(packed(blobs, a=(Q8,)), previous, ("a",)))

    assert variants(merged) == {"a": ["q8"]}


def test_merge_models_changed_host_is_refused() -> None:
    blobs = Blobs()
    previous = make_manifest(packed(blobs, a=(FP32,)))
    new = pack((model("b", (FP32,), blobs),), blobs, "nginx")

    with pytest.raises(UsageError, match="run `modelpack build` without naming models"):
        merge_models(new, previous, ("a", "b"))


def test_merge_models_variant_of_a_later_version_is_refused() -> None:
    blobs = Blobs()
    content = encode_manifest(make_manifest(packed(blobs, a=(FP32,))))
    previous = parse_manifest(content.replace(b'"dtype":"fp32"', b'"dtype":"q1"'))

    with pytest.raises(ManifestError, match="fp32 is q1 for wasm, which this version"):
        merge_models(packed(blobs, b=(Q8,)), previous, ("a", "b"))


def test_publish_merged_pack_needs_no_blobs_of_what_is_kept(tmp_path: Path) -> None:
    blobs = Blobs()
    previous = publish(packed(blobs, a=(FP32,)), tmp_path, blobs, 1).manifest
    others = Blobs()

    merged = merge_models(packed(others, b=(Q8,)), previous, ("a", "b"))

    assert variants(publish(merged, tmp_path, others, 1).manifest) == {"a": ["fp32"], "b": ["q8"]}


def test_publish_merged_pack_whose_kept_chunk_is_damaged_names_it(tmp_path: Path) -> None:
    blobs = Blobs()
    previous = publish(packed(blobs, a=(Q8,)), tmp_path, blobs, 1).manifest
    (damaged, *_) = sorted((tmp_path / "c").glob("*.[gz].bin"))
    damaged.write_bytes(b"<html>")

    merged = merge_models(packed(blobs, b=(VariantContent("v", b"1"),)), previous, ("a", "b"))

    with pytest.raises(ManifestError) as caught:
        publish(merged, tmp_path, blobs, 1)
    assert (caught.value.code, caught.value.where) == ("MP-E711", f"c/{damaged.name}")
