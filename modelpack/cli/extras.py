"""Which optional parts of modelpack are installed, and which of them a project cannot be built without."""

from __future__ import annotations

from importlib import metadata

from msgspec import Struct

from modelpack.spec.project import Project
from modelpack.spec.sources import CheckpointSource, FunctionSource, HubSource, TfliteSource


class Extra(Struct, frozen=True):
    """An extra of the Python package: what it brings, and the only thing that needs it."""

    name: str
    packages: tuple[str, ...]
    need: str

    @property
    def remedy(self) -> str:
        """The command that installs it."""
        return f"pip install 'modelpack[{self.name}]'"

    def missing(self) -> tuple[str, ...]:
        """Those of its packages that are not installed."""
        return tuple(name for name in self.packages if _version(name) is None)

    def versions(self) -> str:
        """What is installed of it."""
        return ", ".join(f"{name} {_version(name)}" for name in self.packages)


_EXPORT = ("torch", "transformers", "optimum-onnx", "accelerate", "safetensors", "onnxscript")
EXTRAS = (
    Extra("golden", ("tokenizers", "pillow"), "golden sets of texts and pictures"),
    Extra("hub", ("huggingface_hub",), "hf: sources"),
    Extra("export", _EXPORT, "checkpoints and python: sources"),
    Extra("tflite", ("tf2onnx",), ".tflite files"),
    Extra("browser", ("playwright", "psutil", "websockets"), "modelpack bench in a browser"),
    Extra("report", ("plotly",), "modelpack report --html"),
    Extra("dev", ("starlette", "uvicorn", "watchfiles"), "modelpack dev"),
)


def needed_extras(project: Project) -> frozenset[str]:
    """The extras that the project's sources and golden sets need."""
    sources = [model.source for model in project.models]
    needed = {
        "export": any(isinstance(each, CheckpointSource | FunctionSource) for each in sources),
        "tflite": any(isinstance(each, TfliteSource) for each in sources),
        "hub": any(isinstance(getattr(each, "origin", each), HubSource) for each in sources),
        "golden": any(model.golden and model.golden.tokenizer for model in project.models),
    }
    return frozenset(name for name, is_needed in needed.items() if is_needed)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
