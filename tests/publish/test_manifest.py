from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from modelpack.errors import UsageError
from modelpack.publish.manifest import encode_manifest, make_manifest
from modelpack.publish.pack import Pack, PackedChunk, PackedForm
from modelpack.publish.parse import parse_manifest
from modelpack.publish.wire import Manifest, Requires
from modelpack.record import ValueFacts
from modelpack.spec.project import Host
from tests.support.golden import assert_golden
from tests.support.packs import TEXT, Blobs, VariantContent, model, pack

SCHEMA = Path(__file__).parents[2] / "schemas" / "manifest.schema.json"


def two_models(host: Host = "static") -> Pack:
    blobs = Blobs()
    wasm = VariantContent("q8", b"graph of q8", (b"some weights", b"more weights"), "q8")
    webgpu = VariantContent("half", b"graph of half", (b"some weights",), "fp16", "webgpu")
    return pack(
        (
            model("recurrent", (wasm,), blobs),
            model("minilm", (wasm, webgpu), blobs, {"labels": b"cat\ndog\n"}),
        ),
        blobs,
        host,
        (),
    )


def with_forms(host: Host, size_bytes: int, *forms: PackedForm) -> Manifest:
    """The manifest of a model whose graph is a single chunk in these forms."""
    blobs = Blobs()
    content = b"x" * size_bytes
    one = pack((model("m", (VariantContent("fp32", content),), blobs),), blobs, host, ())
    chunk = PackedChunk(one.chunks[0].digest, size_bytes, forms)
    return make_manifest(msgspec.structs.replace(one, chunks=(chunk,)))


def test_make_manifest_two_models_is_the_golden() -> None:
    document = json.loads(encode_manifest(make_manifest(two_models())))
    document["generator"]["version"] = "0.0.0"

    assert_golden("publish/manifest.json", json.dumps(document, indent=2) + "\n")


@pytest.mark.parametrize("host", ["static", "nginx"])
def test_make_manifest_follows_the_schema(host: Host) -> None:
    blobs = Blobs()
    made = pack(
        (model("recurrent", (VariantContent("fp32", b"graph", (TEXT, b"weights")),), blobs),),
        blobs,
        host,
    )

    for each in (made, two_models(host)):
        document = json.loads(encode_manifest(make_manifest(each)))
        Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(document)


def test_encode_manifest_read_again_is_the_same() -> None:
    manifest = make_manifest(two_models())

    assert parse_manifest(encode_manifest(manifest)) == manifest


def test_make_manifest_order_of_models_and_chunks_does_not_matter() -> None:
    one = two_models()
    other = msgspec.structs.replace(one, models=one.models[::-1], chunks=one.chunks[::-1])

    assert encode_manifest(make_manifest(one)) == encode_manifest(make_manifest(other))


def test_make_manifest_webnn_variant_asks_for_its_provider_and_nothing_else() -> None:
    blobs = Blobs()
    content = VariantContent("nn", b"1", (), "fp16", "webnn")
    manifest = make_manifest(pack((model("m", (content,), blobs),), blobs, "static", ()))
    (variant,) = manifest.models["m"].variants
    assert (variant.execution_providers, variant.requires) == (("webnn",), Requires())


def test_make_manifest_webgpu_variants_come_first_and_others_as_declared() -> None:
    blobs = Blobs()
    contents = (
        VariantContent("z", b"1"),
        VariantContent("a", b"2"),
        VariantContent("half", b"3", (), "fp16", "webgpu"),
    )

    manifest = make_manifest(pack((model("m", contents, blobs),), blobs, "static", ()))

    assert [variant.id for variant in manifest.models["m"].variants] == ["half", "z", "a"]


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        ((), {}),
        ((("gzip", 40), ("zstd", 50)), {"gzip": 40}),
        ((("gzip", 50), ("zstd", 40)), {"zstd": 40}),
        ((("gzip", 40), ("zstd", 40)), {"gzip": 40}),
        ((("gzip", 90), ("br", 10)), {"gzip": 90}),
        ((("br", 10),), {}),
        ((("gzip", 100),), {}),
    ],
)
def test_make_manifest_stored_chunk_has_its_smallest_form(
    forms: tuple[tuple[str, int], ...], expected: dict[str, int]
) -> None:
    packed = (msgspec.convert((form, "0" * 64, size), tuple) for form, size in forms)
    manifest = with_forms("static", 100, *(PackedForm(*one) for one in packed))

    assert dict(manifest.chunks[0].enc.sizes()) == expected


def test_make_manifest_transport_chunk_has_every_form_and_counts_the_smallest() -> None:
    forms = (
        PackedForm("gzip", "0" * 64, 50),
        PackedForm("zstd", "1" * 64, 45),
        PackedForm("br", "2" * 64, 40),
    )

    manifest = with_forms("nginx", 100, *forms)

    assert manifest.delivery.mode == "transport"
    assert dict(manifest.chunks[0].enc.sizes()) == {"gzip": 50, "zstd": 45, "br": 40}
    assert manifest.models["m"].variants[0].size.transfer == 40


def test_make_manifest_chunk_above_the_limit_of_the_host_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        with_forms("cloudflare-pages", 26 << 20)

    assert str(caught.value) == (
        "MP-E113 output.host: a chunk of 27.3 MB does not fit cloudflare-pages, "
        "which takes files up to 26.2 MB — lower chunk_size in modelpack.toml"
    )


def test_make_manifest_variant_with_other_outputs_says_so() -> None:
    one = two_models()
    minilm = one.models[1]
    narrower = (ValueFacts("logits", "float16", ("batch", None, 10)),)
    models = (msgspec.structs.replace(minilm, outputs=narrower),)

    manifest = make_manifest(msgspec.structs.replace(one, models=models))

    variant = manifest.models["minilm"].variants[0]
    assert variant.inputs is msgspec.UNSET
    assert variant.outputs is not msgspec.UNSET
    assert [value.type for value in variant.outputs] == ["float32"]


def test_make_manifest_same_files_give_the_same_variant_digest_in_any_model() -> None:
    manifest = make_manifest(two_models())

    (alone,) = manifest.models["recurrent"].variants
    assert manifest.models["minilm"].variants[1].digest == alone.digest
