"""What a step's declared inputs are right now: files with digests, from the project or from earlier results.

1. Every source file has one digest per build, fixed when it is first asked for.
2. Bytes that a step reads are copied into its private folder and hashed on the way; if they are not the bytes of the
   key, the source changed under the build, and nothing is remembered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from modelpack.engine.downloads import fetch
from modelpack.engine.hub import HubFile, fetch_from_hub
from modelpack.engine.pickles import check_pickles
from modelpack.engine.resolved import (
    GRAPH_NAME,
    TFLITE_NAME,
    ResolvedInput,
    checkpoint_on_hub,
    remote_files,
    tflite_elsewhere,
)
from modelpack.errors import SourceError
from modelpack.keys import InputDigest
from modelpack.planned import (
    CheckpointFiles,
    FunctionFiles,
    InputRef,
    ProjectFile,
    ProjectFolder,
    RemoteFiles,
    SourceGraph,
    SourceModel,
    Step,
    TfliteFile,
    Upstream,
)
from modelpack.record import ModelFacts, TaskResult
from modelpack.sources.checkpoint import check_checkpoint, pickles_of
from modelpack.sources.download import Progress
from modelpack.sources.external import resolve_external
from modelpack.sources.folder import list_folder, names_digest
from modelpack.sources.function import function_files
from modelpack.sources.locate import locate, npm_trail
from modelpack.sources.sniff import check_is_onnx
from modelpack.spec.sources import (
    CheckpointSource,
    FunctionSource,
    HubSource,
    NpmSource,
    Source,
    TfliteSource,
    UrlSource,
)
from modelpack.store.atomic import writing
from modelpack.store.store import Store

_BLOCK_BYTES = 1 << 20


class SourceChangedError(SourceError):
    """A source file is no longer what it was when the build began. A build starts over once when it meets this."""


class Inputs:
    """Resolves input references within one build."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.absent: set[Path] = (
            set()
        )  # had one of these been there, a source would be another file
        self._links: dict[Path, Path] = {}
        self._digests: dict[Path, tuple[str, int]] = {}
        self._located: dict[Source, Path] = {}
        self._facts: dict[str, ModelFacts] = {}
        self._folders: dict[Path, str] = {}

    def resolve(self, step: Step, results: Mapping[str, TaskResult]) -> tuple[ResolvedInput, ...]:
        """The step's input files in declared order. Raises: SourceError if a source is not what it should be."""
        return tuple(
            resolved
            for ordinal, ref in enumerate(step.inputs)
            for resolved in self._resolve(ref, ordinal, results)
        )

    def facts(self, inspected: TaskResult) -> ModelFacts:
        """The facts that an `inspect` step found."""
        (output,) = inspected.with_role("facts")
        if output.digest not in self._facts:
            content = self._store.blobs.read_bytes(output.digest)
            self._facts[output.digest] = msgspec.json.decode(content, type=ModelFacts)
        return self._facts[output.digest]

    def source_bytes(self, source: Source, inspected: TaskResult) -> int:
        """The bytes of a source: its graph and its external data."""
        files = self._model("model", self._locate(source), self.facts(inspected))
        return sum(found.size_bytes for found in files)

    def read_digests(self) -> dict[Path, str]:
        """The digest of every project file and folder that was looked at, for the whole-build fast path.

        A file behind links is named by both its ends: where a link leads may change without the file.
        """
        digests = {path: digest for path, (digest, _) in sorted(self._digests.items())}
        links = {link: digests[path] for link, path in self._links.items() if path in digests}
        return digests | links | self._folders

    def digest(self, path: Path) -> str:
        """The digest of a file of the project."""
        return self._file("", "", path).digest

    def project_digests(self, step: Step) -> tuple[InputDigest, ...]:
        """The content of the step's inputs that are files of the project, whatever other steps give.

        Raises: SourceError if one is not there.
        """
        own = (ProjectFile, ProjectFolder)
        refs = [(ordinal, ref) for ordinal, ref in enumerate(step.inputs) if isinstance(ref, own)]
        return key_inputs(
            tuple(found for ordinal, ref in refs for found in self._resolve(ref, ordinal, {}))
        )

    def _resolve(  # noqa: PLR0911 (one for each kind of reference)
        self, ref: InputRef, ordinal: int, results: Mapping[str, TaskResult]
    ) -> tuple[ResolvedInput, ...]:
        match ref:
            case Upstream(role, step, output):
                return tuple(
                    ResolvedInput(role, found.name, found.digest, found.size_bytes)
                    for found in results[step].with_role(output)
                )
            case ProjectFile(role, path):
                if not path.is_file():
                    raise SourceError(
                        "MP-E201",
                        "no such file",
                        where=str(path),
                        remedy=f"create it, or change the key that names it as {role}",
                    )
                return (self._file(role, f"{ordinal}{path.suffix.lower()}", path),)
            case ProjectFolder(role, path):
                listing = list_folder(path, role)
                self._folders.update(listing.folders)
                return tuple(
                    self._file(role, file.relative_to(path).as_posix(), file)
                    for file in listing.files
                )
            case CheckpointFiles(role, source):
                return self.checkpoint(role, source)
            case FunctionFiles(role, source):
                return self.function(role, source)
            case TfliteFile(role, source):
                return self.tflite(role, source)
            case RemoteFiles(role, source):
                return remote_files(role, source)
            case SourceGraph(role, source):
                return (self._file(role, GRAPH_NAME, self._locate(source)),)
            case SourceModel(role, source, inspect):
                return self._model(role, self._locate(source), self.facts(results[inspect]))

    def checkpoint(self, role: str, source: CheckpointSource) -> tuple[ResolvedInput, ...]:
        """The files of a checkpoint. Raises: SourceError if it is not whole."""
        if isinstance(source.origin, HubSource):
            files = checkpoint_on_hub(role, source.files, source.origin)
            if source.pickle_sha256 is not None:  # else the lock is what pins
                check_pickles(source, {file.name: file.digest for file in files})
            return files
        check_checkpoint(source.folder, source.files)
        pickles = pickles_of(source.files)
        check_pickles(source, {name: self.digest(source.folder / name) for name in pickles})
        for folder in {(source.folder / name).parent for name in source.files}:
            self._folders[folder] = names_digest(entry.name for entry in folder.iterdir())
        if isinstance(source.origin, NpmSource):
            self.absent.update(npm_trail(source.origin)[1])
        return tuple(self._file(role, name, source.folder / name) for name in source.files)

    def function(self, role: str, source: FunctionSource) -> tuple[ResolvedInput, ...]:
        """The source files of a function, and the files it reads. Raises: SourceError if one is missing."""
        found = function_files(source)
        self.absent.update(found.absent)
        return tuple(
            self._file(role, path.relative_to(source.root).as_posix(), path) for path in found.files
        )

    def tflite(self, role: str, source: TfliteSource) -> tuple[ResolvedInput, ...]:
        """The file of a TensorFlow Lite model, whose content the step checks."""
        if isinstance(source.origin, UrlSource | HubSource):
            return (tflite_elsewhere(role, source.origin),)
        return (self._file(role, TFLITE_NAME, self._locate(source.origin, is_graph=False)),)

    def _locate(self, source: Source, *, is_graph: bool = True) -> Path:
        if source not in self._located:
            path = locate(source)
            if is_graph:
                check_is_onnx(path)
            self._located[source] = path
            if isinstance(source, NpmSource):
                self._links[npm_trail(source)[0]] = path
                self.absent.update(npm_trail(source)[1])
        return self._located[source]

    def _model(self, role: str, graph: Path, facts: ModelFacts) -> tuple[ResolvedInput, ...]:
        data = resolve_external(graph, facts)
        return (
            self._file(role, GRAPH_NAME, graph),
            *(self._file(role, path.relative_to(graph.parent).as_posix(), path) for path in data),
        )

    def _file(self, role: str, name: str, path: Path) -> ResolvedInput:
        if path not in self._digests:
            try:
                self._digests[path] = self._store.stat_cache.digest(path)
            except OSError as err:
                raise SourceError(
                    "MP-E209",
                    f"cannot be read: {err.strerror}",
                    where=str(path),
                    remedy="give your user permission to read it",
                ) from err
        digest, size_bytes = self._digests[path]
        return ResolvedInput(role, name, digest, size_bytes, path)


def key_inputs(inputs: tuple[ResolvedInput, ...]) -> tuple[InputDigest, ...]:
    """The inputs as they enter a key: content and role, and the name a graph or a suffix gives meaning to."""
    return tuple(InputDigest(found.role, found.name, found.digest) for found in inputs)


def materialise(
    inputs: tuple[ResolvedInput, ...],
    folder: Path,
    store: Store,
    progress: Progress = lambda _done, _total: None,
) -> None:
    """Writes each input to `folder/role/name`. Raises: SourceChangedError, SourceError, StoreError."""
    for found in inputs:
        destination = folder / found.role / found.name
        destination.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(found.remote, HubFile):
            _copy_verified(fetch_from_hub(found.remote, progress), destination, found.digest)
        elif found.remote is not None:
            is_graph = found.name == GRAPH_NAME
            fetch(found.remote, store, progress, is_graph=is_graph).rename(destination)
        elif found.path is None:
            store.blobs.materialise(found.digest, destination)
        else:
            _copy_verified(found.path, destination, found.digest)


def original_place(where: str, inputs: tuple[ResolvedInput, ...]) -> str:
    """`where` with the names that private copies have (`0.npz`) replaced by those of the project's files."""
    for found in inputs:
        # A file of a folder keeps its place in it, which says more than its name alone.
        if found.path is not None and not found.path.as_posix().endswith(f"/{found.name}"):
            private = rf"(?<![\w./-]){re.escape(found.name)}(?![\w-])"
            where = re.sub(private, found.path.name.replace("\\", r"\\"), where)
    return where


def _copy_verified(path: Path, destination: Path, digest: str) -> None:
    hasher = hashlib.sha256()
    try:
        source = path.open("rb")
    except OSError as err:
        raise _changed(path) from err
    with source, writing(destination), destination.open("wb") as copy:
        while block := source.read(_BLOCK_BYTES):
            hasher.update(block)
            copy.write(block)
    if hasher.hexdigest() != digest:
        raise _changed(path)


def _changed(path: Path) -> SourceChangedError:
    return SourceChangedError(
        "MP-E230",
        "the file kept changing while it was read",
        where=str(path),
        remedy="wait until whatever writes it has finished, then build again",
    )
