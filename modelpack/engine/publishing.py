"""The pack of a build, judged, into the output folder; and the types the application is checked against."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.errors import FrozenError, ManifestError, StoreError
from modelpack.publish.check import check_published
from modelpack.publish.emit import Published, publish
from modelpack.publish.folder import (
    MANIFEST_FILE,
    chunk_files,
    generation_name,
    read_file,
    refuse_foreign,
)
from modelpack.publish.host_files import host_file_text, is_left_alone
from modelpack.publish.hosts import small_plan_warning
from modelpack.publish.manifest import encode_manifest, make_manifest
from modelpack.publish.pack import Pack
from modelpack.publish.types import types_source
from modelpack.spec.project import HostFile, OutputSettings
from modelpack.store.atomic import write_atomically
from modelpack.store.store import Store


class Publication(Struct, frozen=True):
    """What is published now. `has_changed` is False where everything was there already."""

    digest: str
    files: tuple[Path, ...]
    has_changed: bool


def check_output(output: OutputSettings) -> None:
    """Raises: StoreError MP-E702 if nothing can be published there, UsageError MP-E113 if the host has no such file.

    Makes nothing: a build may yet fail.
    """
    refuse_foreign(output.path)
    _host_file(output)
    nearest = next(folder for folder in (output.path, *output.path.parents) if folder.exists())
    as_now = os.access in os.supports_effective_ids
    if not nearest.is_dir():
        raise _unusable(nearest, "is a file; expected a folder", "choose another output.path")
    if not os.access(nearest, os.W_OK | os.X_OK, effective_ids=as_now):
        remedy = "give your user write permission, or choose another output.path"
        raise _unusable(nearest, "cannot be written", remedy)


def publish_pack(
    pack: Pack, output: OutputSettings, store: Store, on_wait: Callable[[str], None]
) -> Publication:
    """Publishes the pack and writes the declared types. Raises: ManifestError, StoreError, UsageError."""
    published = publish(pack, output.path, store.blobs, output.keep_generations, on_wait=on_wait)
    has_new_texts = _write_texts(pack, output)
    for warning in _warnings(published, output):
        on_wait(f"warning: {warning}")
    return Publication(
        published.digest,
        tuple(_files(published, output)),
        bool(published.written_files) or has_new_texts,
    )


def check_frozen(pack: Pack, output: OutputSettings) -> Publication:
    """The publication as it is. Raises: FrozenError MP-E720 if the pack would change any of it."""
    content = encode_manifest(make_manifest(pack))
    _compare(output.path / MANIFEST_FILE, content)
    for path, expected in _texts(pack, output).items():
        _compare(path, expected)
    try:
        check_published(output.path)
    except ManifestError as err:
        raise _out_of_date(output.path / err.where, err.message) from err
    return Publication(digest_bytes(content), (), has_changed=False)


def _unusable(place: Path, found: str, remedy: str) -> StoreError:
    return StoreError("MP-E702", found, where=str(place), remedy=remedy)


def _files(published: Published, output: OutputSettings) -> Iterator[Path]:
    """Everything that has to stay as it is for the publication to be whole."""
    yield published.path
    yield output.path / generation_name(encode_manifest(published.manifest))
    yield from (output.path / name for name, _, _ in chunk_files(published.manifest))
    yield from _host_file(output)
    if output.types is not None:
        yield output.types


def _write_texts(pack: Pack, output: OutputSettings) -> bool:
    """Whether one of the declared text files had to be written."""
    written = False
    for path, content in _texts(pack, output).items():
        if read_file(path) != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
            written = True
    return written


def _texts(pack: Pack, output: OutputSettings) -> dict[Path, bytes]:
    texts = _host_file(output)
    if output.types is not None:
        texts[output.types] = types_source(make_manifest(pack)).encode()
    return texts


def _host_file(output: OutputSettings) -> dict[Path, bytes]:
    """The host file as it should be; nothing where there is none, or where it is somebody else's."""
    file = output.host_file
    if file is None:
        return {}
    before = _text(file)
    if is_left_alone(output.host, file, before):
        return {}
    content = host_file_text(output.host, file, before)
    return {file.path: content.encode("utf-8", "surrogateescape")}


def _warnings(published: Published, output: OutputSettings) -> Iterator[str]:
    warning = small_plan_warning(published.manifest.chunks, output.host)
    if warning:
        yield warning
    file = output.host_file
    if file is not None and is_left_alone(output.host, file, _text(file)):
        yield (
            f"{file.path.name} is yours and stays as it is, so that {output.host} is not told how long to keep models; "
            "name it in output.host_file to have that added, or write host_file = false"
        )


def _text(file: HostFile) -> str | None:
    """What is in the file; None where nothing is. Raises: StoreError MP-E702 if a link or a folder was named."""
    content = read_file(file.path)
    if content is not None:
        return content.decode("utf-8", "surrogateescape")
    if not os.path.lexists(file.path):
        return None
    if file.is_named:
        remedy = "name a file in output.host_file, or write host_file = false"
        raise _unusable(file.path, "is no regular file", remedy)
    return ""


def _compare(path: Path, content: bytes) -> None:
    found = read_file(path)
    if found != content:
        raise _out_of_date(path, "is missing" if found is None else "is not what a build gives")


def _out_of_date(path: Path, found: str) -> FrozenError:
    return FrozenError(
        "MP-E720",
        found,
        where=str(path),
        remedy="run `modelpack build`, then commit or deploy what it publishes",
    )
