"""One input file of a step as it is now, and the inputs that lie elsewhere until a step needs their bytes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import quote, urljoin

from msgspec import Struct
from msgspec.structs import replace

from modelpack.engine.hub import HubFile, hub_file
from modelpack.errors import SourceError
from modelpack.sources.download import Wanted
from modelpack.sources.hub import data_files
from modelpack.spec.sources import HubSource, RemoteSource, UrlSource

GRAPH_NAME = "model.onnx"
TFLITE_NAME = "model.tflite"
Remote = Wanted | HubFile


class ResolvedInput(Struct, frozen=True):
    """One input file. `path` is set for a file of the project, `remote` for one that is downloaded when it is needed.

    Of all others, the bytes are in the store. A file from the web whose size nobody locked has none until then.
    """

    role: str
    name: str
    digest: str
    size_bytes: int
    path: Path | None = None
    remote: Remote | None = None


def remote_files(role: str, source: RemoteSource) -> tuple[ResolvedInput, ...]:
    """The graph and its data files. Raises: SourceError MP-E242 if nothing says which bytes are expected."""
    if isinstance(source, HubSource):
        return _on_hub(role, source)
    if source.sha256 is None:
        raise SourceError(
            "MP-E242",
            "nothing says which bytes are expected",
            where=source.url,
            remedy="set `sha256`, or run `modelpack lock`, which downloads and records it",
        )
    urls = (source.url, *source.mirrors)
    graph = ResolvedInput(role, GRAPH_NAME, source.sha256, 0, None, Wanted(urls, source.sha256))
    data = (
        ResolvedInput(
            role,
            file.name,
            file.sha256,
            file.size_bytes,
            None,
            Wanted(beside(source, file.name), file.sha256),
        )
        for file in source.data or ()
    )
    return (graph, *data)


def tflite_elsewhere(role: str, source: RemoteSource) -> ResolvedInput:
    """The file of a TensorFlow Lite model. Raises: SourceError MP-E242 if nothing says which bytes are expected."""
    if isinstance(source, HubSource) and source.commit:
        source = replace(source, graph=source.path)
    return replace(remote_files(role, source)[0], name=TFLITE_NAME)


def beside(source: UrlSource, name: str) -> tuple[str, ...]:
    """The addresses of a file that lies beside the source's."""
    return tuple(urljoin(url, quote(name)) for url in (source.url, *source.mirrors))


def checkpoint_on_hub(
    role: str, names: tuple[str, ...], source: HubSource
) -> tuple[ResolvedInput, ...]:
    """The files of a checkpoint on the hub, by the digests of the lock."""
    files = {file.name: file for file in source.files}
    return tuple(
        ResolvedInput(
            role,
            name,
            files[name].sha256,
            files[name].size_bytes,
            None,
            hub_file(source, files[name]),
        )
        for name in names
    )


def _on_hub(role: str, source: HubSource) -> tuple[ResolvedInput, ...]:
    if not source.graph:
        raise SourceError(
            "MP-E242",
            "nothing of it is here yet",
            where=source.text,
            remedy="run `modelpack lock`, which looks it up and records what it is",
        )
    files = {file.name: file for file in source.files}
    folder = PurePosixPath(source.graph).parent
    return tuple(
        ResolvedInput(
            role,
            GRAPH_NAME
            if name == source.graph
            else PurePosixPath(name).relative_to(folder).as_posix(),
            files[name].sha256,
            files[name].size_bytes,
            None,
            hub_file(source, files[name]),
        )
        for name in (source.graph, *data_files(source.graph, files))
    )
