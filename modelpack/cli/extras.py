"""Which optional parts of modelpack are installed, and which of them a project cannot be built without."""

from __future__ import annotations

from importlib import metadata

from msgspec import Struct

from modelpack.spec.golden import Golden, ImageLayout
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


_ALSO_CALLED = {"tensorflow": ("tensorflow-cpu",)}  # the same modules, built for fewer machines
_EXPORT = ("torch", "transformers", "optimum-onnx", "accelerate", "safetensors", "onnxscript")
EXTRAS = (
    Extra("golden", ("tokenizers", "pillow"), "golden sets of texts and pictures"),
    Extra("hub", ("huggingface_hub",), "hf: sources"),
    Extra("export", _EXPORT, "checkpoints and python: sources"),
    Extra("tflite", ("tensorflow", "tf2onnx"), ".tflite files"),
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
        "golden": any(_needs_libraries(model.golden) for model in project.models),
    }
    return frozenset(name for name, is_needed in needed.items() if is_needed)


def _needs_libraries(golden: Golden | None) -> bool:
    """Whether its samples are texts or pictures; what the other kinds need is always there."""
    if golden is None:
        return False
    return golden.tokenizer is not None or isinstance(golden.preprocess, ImageLayout)


def _version(package: str) -> str | None:
    for name in (package, *_ALSO_CALLED.get(package, ())):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None
