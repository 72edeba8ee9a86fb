"""A whole `modelpack.toml`: its models, and how they are published. `config/` makes a Project."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from modelpack.spec.golden import Golden, StatePair
from modelpack.spec.sources import Export, Source
from modelpack.spec.variants import Device, Variant

Host = Literal[
    "static",
    "cloudflare-pages",
    "netlify",
    "vercel",
    "github-pages",
    "nginx",
    "s3-cloudfront",
    "npm",
]


Load = Literal["eager", "idle", "lazy"]


Mode = Literal["production", "development"]


Form = Literal["gzip", "zstd", "br"]


Compression = Literal["balanced", "smallest", "none"]


# Whether variants are run in a real browser before they are published: where one is there, always, or never.
TriedInBrowser = Literal["auto", "always", "never"]


class Asset(Struct, frozen=True):
    """A companion file (a tokenizer, labels) that is published beside the model."""

    name: str
    path: Path


class Model(Struct, frozen=True):
    """One model and everything asked of it."""

    id: str
    source: Source
    outputs: tuple[str, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    state: tuple[StatePair, ...]
    assets: tuple[Asset, ...]
    load: Load
    group: str | None
    simplify: bool
    chunk_size_bytes: int
    golden: Golden | None
    variants: tuple[Variant, ...]
    export: Export = Export()


class HostFile(Struct, frozen=True):
    """The file that tells the host how long to keep what, and where the pack is on the site.

    Where nobody named it, it is written only if it is missing or has a part of ours already.
    """

    path: Path
    address: str
    is_named: bool


class OutputSettings(Struct, frozen=True):
    """Where and how the published files lie."""

    path: Path
    host: Host
    keep_generations: int
    types: Path | None
    compression: Compression
    host_file: HostFile | None = None


class RuntimeBuild(Struct, frozen=True):
    """The WebAssembly of the runtime for one device."""

    device: Device
    path: Path


class RuntimeSettings(Struct, frozen=True):
    """The runtime that is published beside the models. `version` and `builds` are what is installed, once it was looked for."""

    package: str
    version: str = ""
    builds: tuple[RuntimeBuild, ...] = ()


class CacheSettings(Struct, frozen=True):
    """Where results are remembered, and when old ones go."""

    directory: Path
    max_size_bytes: int
    max_age_s: float


class Project(Struct, frozen=True):
    """A whole `modelpack.toml`, read and checked.

    `web_release` is the version of onnxruntime-web that pages load; empty where nothing says which.
    """

    config: Path
    workspace: Path
    output: OutputSettings
    cache: CacheSettings
    models: tuple[Model, ...]
    runtime: RuntimeSettings | None = None
    web_release: str = ""
    tried: TriedInBrowser = "auto"

    @property
    def baseline(self) -> Path:
        """The committed figures that later builds are compared with."""
        return self.config.with_name("modelpack.baseline.json")

    @property
    def stats(self) -> Path:
        """What was measured of the published variants."""
        return self.config.with_name("modelpack.stats.json")
