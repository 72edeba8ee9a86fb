"""Published packs, checked and put together again with nothing but their own files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.errors import ManifestError
from modelpack.publish.folder import MANIFEST_FILE, chunk_files, generation_name, read_file
from modelpack.publish.parse import parse_manifest
from modelpack.publish.reading import PublishedPack
from modelpack.publish.wire import Manifest, ManifestVariant
from modelpack.store.atomic import part_file, writing

GRAPH_FILE = "model.onnx"


class CheckedFile(Struct, frozen=True):
    """A file that is what it should be: a name in the folder, or the id of a file that chunks make."""

    name: str
    size_bytes: int


def check_published(
    folder: Path, on_progress: Callable[[CheckedFile], None] = lambda _: None
) -> tuple[CheckedFile, ...]:
    """Everything reachable from `manifest.json`, re-hashed and put together again.

    Raises: ManifestError MP-E711 naming every file that is missing or corrupt, MP-E710 if the manifest is malformed.
    """
    content = _manifest_content(folder)
    manifest = parse_manifest(content)
    published = PublishedPack(folder, manifest)
    checked = _Checked(on_progress)
    checked.add(CheckedFile(MANIFEST_FILE, len(content)), lambda: None)
    for name, chunk, file in chunk_files(manifest):
        checked.add(CheckedFile(name, file.size_bytes), partial(published.check_chunk, chunk, file))
    checked.raise_if_bad()  # what a bad chunk is part of is bad too, which says nothing new
    for file_id, whole in manifest.files.items():
        checked.add(CheckedFile(file_id, whole.size), partial(published.check_file, file_id))
    checked.raise_if_bad()
    return tuple(checked.good)


class _Checked:
    """What was good so far, and what was not."""

    def __init__(self, on_progress: Callable[[CheckedFile], None]) -> None:
        self.good: list[CheckedFile] = []
        self._errors: list[ManifestError] = []
        self._on_progress = on_progress

    def add(self, file: CheckedFile, check: Callable[[], None]) -> None:
        try:
            check()
        except ManifestError as err:
            self._errors.append(err)
        else:
            self.good.append(file)
            self._on_progress(file)

    def raise_if_bad(self) -> None:
        if self._errors:
            first, *others = self._errors
            first.others = tuple(others)
            raise first


def assemble(folder: Path, manifest: Manifest, variant: ManifestVariant, destination: Path) -> Path:
    """The graph in `destination`, with its data files beside it, as onnxruntime opens it.

    Raises: ManifestError MP-E711 if a chunk is missing or corrupt, StoreError MP-E702 if the copy cannot be written.
    """
    published = PublishedPack(folder, manifest)
    graph = destination / GRAPH_FILE
    _write_file(published, variant.graph, graph)
    for data in variant.external_data:
        _write_file(published, data.file, destination / data.path)
    return graph


def _manifest_content(folder: Path) -> bytes:
    content = read_file(folder / MANIFEST_FILE)
    if content is None:
        raise _damaged(MANIFEST_FILE, "nothing is published here")
    name = generation_name(content)
    if read_file(folder / name) != content:
        raise _damaged(
            name, f"missing, or not the same as {MANIFEST_FILE} ({digest_bytes(content)})"
        )
    return content


def _write_file(published: PublishedPack, file_id: str, path: Path) -> None:
    published.check_file(file_id)
    with writing(path), part_file(path.parent) as (stream, part):
        for block in published.blocks(published.manifest.files[file_id]):
            stream.write(block)
        stream.close()
        part.replace(path)


def _damaged(name: str, found: str) -> ManifestError:
    return ManifestError(
        "MP-E711", found, where=name, remedy="run `modelpack build` to publish it again"
    )
