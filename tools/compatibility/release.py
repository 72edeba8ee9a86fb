"""One release of onnxruntime-web as it was tried: the hand-over between trials and the file."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from tools.compatibility.table import Kernels


class Provider(Struct, frozen=True):
    """What a provider supports, and how that is known."""

    evidence: Literal["tried", "documented"]
    kernels: Kernels


class TriedBuild(Struct, frozen=True):
    """A build: the opsets that it reads, its providers, and the operators of which nothing is known."""

    opsets: tuple[int, int]
    providers: dict[str, Provider]
    untold: list[str]


class Release(Struct, frozen=True):
    """A release and its builds, by the name of their WebAssembly."""

    version: str
    browser: str
    builds: dict[str, TriedBuild]
