from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelpack.digest import digest_bytes
from modelpack.errors import ManifestError, StoreError
from modelpack.publish.check import check_published
from modelpack.publish.emit import publish, require_writable
from modelpack.publish.folder import generations
from modelpack.publish.manifest import encode_manifest, make_manifest
from modelpack.spec.project import Host
from tests.support.damage import one_bit_flipped
from tests.support.ordinary_user import ordinary_user
from tests.support.packs import TEXT, Blobs, VariantContent, model, pack, simple_pack


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_publish_new_folder_holds_chunks_and_two_names_of_the_manifest(tmp_path: Path) -> None:
    blobs = Blobs()
    declared = pack((model("m", (VariantContent("fp32", b"graph", (TEXT,)),), blobs),), blobs)

    published = publish(declared, tmp_path / "out", blobs, 1)

    content = encode_manifest(make_manifest(declared))
    assert sorted(tree(tmp_path / "out")) == sorted(
        [
            f"c/{digest_bytes(b'graph')}.bin",
            f"c/{digest_bytes(TEXT)}.z.bin",
            "manifest.json",
            f"manifest.{digest_bytes(content)[:16]}.json",
        ]
    )
    assert published.path.read_bytes() == content
    assert (published.digest, published.written_files) == (digest_bytes(content), 4)


def test_publish_for_a_negotiating_host_puts_forms_beside_the_plain_chunk(tmp_path: Path) -> None:
    blobs = Blobs()
    models = (model("m", (VariantContent("fp32", TEXT),), blobs),)

    publish(pack(models, blobs, "nginx", ("gzip", "zstd", "br")), tmp_path, blobs, 1)

    chunk = digest_bytes(TEXT)
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        f"{chunk}.bin",
        f"{chunk}.bin.br",
        f"{chunk}.bin.gz",
        f"{chunk}.bin.zst",
    ]


@pytest.mark.parametrize("host", ["static", "nginx"])
def test_publish_again_writes_nothing(host: Host, tmp_path: Path) -> None:
    blobs = Blobs()
    publish(simple_pack(blobs, b"one", b"two", host=host), tmp_path, blobs, 1)
    before = times(tmp_path)
    blobs.given.clear()

    published = publish(simple_pack(blobs, b"one", b"two", host=host), tmp_path, blobs, 1)

    assert (published.written_files, published.deleted_files) == (0, 0)
    assert times(tmp_path) == before
    assert blobs.given == []


def test_publish_changed_pack_writes_only_new_chunks(tmp_path: Path) -> None:
    blobs = Blobs()
    publish(simple_pack(blobs, b"one"), tmp_path, blobs, 1)
    blobs.given.clear()

    publish(simple_pack(blobs, b"two"), tmp_path, blobs, 1)

    assert blobs.given == [digest_bytes(b"two")]


def test_publish_keeps_as_many_older_generations_as_asked(tmp_path: Path) -> None:
    blobs = Blobs()

    for graph in (b"one", b"two", b"three", b"four"):
        publish(simple_pack(blobs, graph), tmp_path, blobs, 2)

    kept = [path.name for path in (tmp_path / "c").iterdir() if path.stat().st_size < 10]
    assert sorted(kept) == sorted(f"{digest_bytes(it)}.bin" for it in (b"two", b"three", b"four"))
    assert len(generations(tmp_path)) == 3


def test_publish_earlier_pack_again_makes_it_the_newest_generation(tmp_path: Path) -> None:
    blobs = Blobs()

    for graph in (b"one", b"two", b"one", b"three"):
        publish(simple_pack(blobs, graph), tmp_path, blobs, 1)

    names = {path.name for path in (tmp_path / "c").iterdir()}
    assert f"{digest_bytes(b'one')}.bin" in names
    assert f"{digest_bytes(b'two')}.bin" not in names


def test_publish_leaves_foreign_files_alone(tmp_path: Path) -> None:
    foreign = {
        "index.html": b"<html>",
        "c/readme.txt": b"mine",
        f"c/{'0' * 64}.bin": b"not of any manifest",
        "manifest.0123456789abcdef.json": b"{}",
        "manifest.webmanifest": b"{}",
    }
    (tmp_path / "c").mkdir()
    for name, content in foreign.items():
        (tmp_path / name).write_bytes(content)
    blobs = Blobs()

    for graph in (b"one", b"two", b"three"):
        publish(simple_pack(blobs, graph), tmp_path, blobs, 0)

    assert foreign.items() <= tree(tmp_path).items()


def test_publish_never_replaces_the_manifest_of_a_web_app(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "My app", "start_url": "/"}')
    blobs = Blobs()

    with pytest.raises(StoreError) as caught:
        publish(simple_pack(blobs, b"one"), tmp_path, blobs, 1)

    assert str(caught.value) == (
        "MP-E702 manifest.json: it exists and is not a manifest of modelpack — "
        "choose another output.path in modelpack.toml; modelpack deletes nothing it did not write"
    )
    assert list(tree(tmp_path)) == ["manifest.json"]


def test_publish_repairs_every_damaged_file(tmp_path: Path) -> None:
    blobs = Blobs()
    declared = simple_pack(blobs, b"one", b"two", host="nginx")
    publish(declared, tmp_path, blobs, 1)
    whole = tree(tmp_path)

    for name, content in whole.items():
        (tmp_path / name).write_bytes(one_bit_flipped(content))
        publish(declared, tmp_path, blobs, 1)
        assert tree(tmp_path) == whole

    for name in whole:
        (tmp_path / name).unlink()
        publish(declared, tmp_path, blobs, 1)
        assert tree(tmp_path) == whole


def test_publish_link_in_place_of_a_file_is_replaced_and_its_target_untouched(
    tmp_path: Path,
) -> None:
    blobs = Blobs()
    out = tmp_path / "out"
    publish(simple_pack(blobs, b"one"), out, blobs, 1)
    elsewhere = tmp_path / "elsewhere"
    chunk = out / "c" / f"{digest_bytes(b'one')}.bin"
    for path in (chunk, out / "manifest.json"):
        elsewhere.write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(elsewhere)

        publish(simple_pack(blobs, b"one"), out, blobs, 1)

        assert not path.is_symlink()
        assert elsewhere.read_bytes() == path.read_bytes()


def test_publish_linked_chunk_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "c").symlink_to(tmp_path / "elsewhere")
    blobs = Blobs()

    with pytest.raises(StoreError, match="MP-E702 c: it is a link"):
        publish(simple_pack(blobs, b"one"), tmp_path / "out", blobs, 1)

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_publish_chunks_that_do_not_make_the_file_are_refused(tmp_path: Path) -> None:
    blobs = Blobs()
    publish(simple_pack(blobs, b"one"), tmp_path, blobs, 1)
    before = (tmp_path / "manifest.json").read_bytes()
    declared = simple_pack(blobs, b"two")
    digest = digest_bytes(b"two")
    blobs.contents[digest] = b"one"  # a store that lies

    with pytest.raises(ManifestError) as caught:
        publish(declared, tmp_path, blobs, 1)

    assert (caught.value.code, caught.value.where) == ("MP-E711", f"c/{digest}.bin")
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_publish_without_a_blob_leaves_the_previous_manifest_whole(tmp_path: Path) -> None:
    blobs = Blobs()
    publish(simple_pack(blobs, b"one"), tmp_path, blobs, 1)
    before = (tmp_path / "manifest.json").read_bytes()
    declared = simple_pack(blobs, b"two")
    del blobs.contents[digest_bytes(b"two")]

    with pytest.raises(StoreError):
        publish(declared, tmp_path, blobs, 1)

    check_published(tmp_path)
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_publish_removes_old_temporary_files_and_leaves_fresh_ones(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    old, fresh = tmp_path / "c" / ".part-old", tmp_path / "c" / ".part-fresh"
    old.touch()
    fresh.touch()
    os.utime(old, (0, 0))
    blobs = Blobs()

    publish(simple_pack(blobs, b"one"), tmp_path, blobs, 1)

    assert (old.exists(), fresh.exists()) == (False, True)


def test_publish_same_pack_elsewhere_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        blobs = Blobs()
        publish(simple_pack(blobs, b"one", b"two"), tmp_path / name, blobs, 1)

    assert tree(tmp_path / "one") == tree(tmp_path / "other")


def test_require_writable_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b")

    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_require_writable_read_only_folder_is_refused() -> None:
    with ordinary_user() as folder:
        folder.chmod(0o555)

        with pytest.raises(StoreError, match="MP-E702"):
            require_writable(folder / "out")
        folder.chmod(0o755)


def test_publish_read_only_folder_that_holds_everything_is_fine() -> None:
    with ordinary_user() as folder:
        blobs = Blobs()
        publish(simple_pack(blobs, b"one"), folder, blobs, 1)
        folder.chmod(0o555)

        published = publish(simple_pack(blobs, b"one"), folder, blobs, 1)

        folder.chmod(0o755)
        assert published.written_files == 0
