"""Fixture projects: a modelpack.toml of tests/projects with its models beside it, in a workspace of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct

from modelpack.config.read import read_project
from modelpack.sources.runtime import with_runtime
from modelpack.spec.project import Mode
from modelpack.spec.project import Project as Declared
from tests.support.onnx_models import conv_net, mlp, weights_like, write

_PROJECTS = Path(__file__).parent.parent / "projects"


class Project(Struct, frozen=True):
    """A project on disk."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "modelpack.toml"

    @property
    def output(self) -> Path:
        return self.folder / "public" / "models"

    @property
    def cache(self) -> Path:
        return self.folder / ".modelpack" / "cache"

    def edit(self, old: str, new: str) -> None:
        """The configuration says `new` where it said `old`."""
        text = self.config.read_text()
        assert text.count(old) == 1, f"{text.count(old)} × {old!r}"
        _write_at_once(self.config, text.replace(old, new).encode())

    def declared(self, mode: Mode = "production") -> Declared:
        """The configuration, read."""
        return with_runtime(read_project(self.config, mode))


def make_project(folder: Path, name: str) -> Project:
    """The fixture project of that name, made in `folder`."""
    for part in ("models", "golden", "src", ".git"):  # .git: the workspace ends here
        (folder / part).mkdir(parents=True)
    (folder / "modelpack.toml").write_text((_PROJECTS / name / "modelpack.toml").read_text())
    write(mlp(), folder / "models" / "words.onnx")
    write(conv_net(), folder / "models" / "faces.onnx")
    (folder / "models" / "labels.json").write_text('["yes", "no"]\n')
    np.savez(folder / "golden" / "words.npz", x=weights_like(9, 60, 32))
    return Project(folder)


def change_weights(project: Project, name: str = "words") -> None:
    """Replaces the model `name` by one with another weight in it."""
    proto = mlp()
    weight = bytearray(proto.graph.initializer[0].raw_data)
    weight[:4] = b"\0\0\0\0"
    proto.graph.initializer[0].raw_data = bytes(weight)
    content = proto.SerializeToString(deterministic=True)
    _write_at_once(project.folder / "models" / f"{name}.onnx", content)


def _write_at_once(path: Path, content: bytes) -> None:
    """Nobody who watches the file sees half of it, however busy the machine is."""
    beside = path.with_name(f".{path.name}")
    beside.write_bytes(content)
    beside.replace(path.resolve())
