"""Where a model comes from, and how a checkpoint is exported. Paths are absolute."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

Library = Literal["transformers", "sentence_transformers"]


class FileSource(Struct, frozen=True, tag="file"):
    """An ONNX file of the project."""

    path: Path


class NpmSource(Struct, frozen=True, tag="npm"):
    """A file inside an npm package, found in `node_modules` upward from `start`."""

    package: str
    path: str
    start: Path


class PythonSource(Struct, frozen=True, tag="py"):
    """A file inside an installed Python package."""

    package: str
    path: str


class PinnedFile(Struct, frozen=True):
    """A file that lies elsewhere, by its name there (with `/` between folders), and the content it must have."""

    name: str
    sha256: str
    size_bytes: int


class HubSource(Struct, frozen=True, tag="hub"):
    """A repository of the Hugging Face hub at a revision; `path` is a file in it, where one is named.

    `commit` and `files` are what the lock says, and empty without one. `folder` is where copies of the small files lie,
    None where they do not. `graph` is the ONNX file that this model is; empty until that is known. Pickles and Python files
    count only where the configuration says so.
    """

    repo: str
    revision: str
    path: str = ""
    commit: str = ""
    files: tuple[PinnedFile, ...] = ()
    folder: Path | None = None
    graph: str = ""
    takes_pickles: bool = False
    takes_code: bool = False

    @property
    def text(self) -> str:
        """The source as the configuration writes it."""
        path = f"/{self.path}" if self.path else ""
        return f"hf:{self.repo}{path}@{self.revision}"


class CheckpointSource(Struct, frozen=True, tag="checkpoint"):
    """A folder with a Hugging Face checkpoint, found where `origin` leads. `files` are those an export may read.

    `part` is the graph of the export that this model is; empty where it gives one graph. Of a checkpoint on the hub, only
    the small files lie in `folder`. `pickle_sha256` is what a pickle of weights in the folder has to have.
    """

    origin: FileSource | NpmSource | PythonSource | HubSource
    folder: Path
    files: tuple[str, ...]
    part: str = ""
    pickle_sha256: str | None = None


class UrlSource(Struct, frozen=True, tag="url"):
    """A file on the web, the same at each address. `sha256` is None where neither configuration nor lock pins it.

    `data` are its data files, which lie beside it; None where no lock says which.
    """

    url: str
    mirrors: tuple[str, ...] = ()
    sha256: str | None = None
    data: tuple[PinnedFile, ...] | None = None


class FunctionSource(Struct, frozen=True, tag="function"):
    """A function of the project that gives a torch module, in the module file below `root`.

    `files` are other files of the project that it reads. `dimensions` names the axes of inputs that are open: (input, axis,
    name).
    """

    module: str
    function: str
    root: Path
    files: tuple[Path, ...] = ()
    dimensions: tuple[tuple[str, int, str], ...] = ()
    part: str = ""

    @property
    def text(self) -> str:
        """The source as the configuration writes it."""
        return f"python:{self.module}:{self.function}"


RemoteSource = UrlSource | HubSource


class TfliteSource(Struct, frozen=True, tag="tflite"):
    """A TensorFlow Lite model, which is converted first. A file that lies elsewhere is taken for one by its name."""

    origin: FileSource | NpmSource | PythonSource | RemoteSource
    part: str = ""


ExportedSource = CheckpointSource | FunctionSource | TfliteSource


Source = FileSource | NpmSource | PythonSource | ExportedSource | RemoteSource


class Export(Struct, frozen=True):
    """How a checkpoint becomes ONNX, in optimum's words. What is None, optimum or the checkpoint decides."""

    task: str | None = None
    opset: int | None = None
    atol: float | None = None
    library: Library | None = None
    allow_pickle: bool | None = None
    trust_remote_code: bool | None = None
    pickle_sha256: str | None = None
