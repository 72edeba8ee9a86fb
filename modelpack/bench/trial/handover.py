"""What build, page and workers hand to each other in a trial. Imports nothing heavy: the build's own process has these too."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from modelpack.spec.golden import StatePair
from modelpack.spec.variants import Device


class Preparation(Struct, frozen=True):
    """The variant's graph, the judge samples (None: inputs are generated), and where packs of inputs and native outputs go."""

    graph: Path
    state: tuple[StatePair, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    judge: Path | None
    samples: Path
    expected: Path


class Prepared(Struct, frozen=True):
    """How many packs there are, and the state that the variant carries."""

    samples: int
    carried: tuple[StatePair, ...]


class RanNode(Struct, frozen=True):
    """A node that ran: by onnxruntime's profile, its name, its operator, and the provider that ran it."""

    name: str
    operator: str
    provider: str


class Answer(Struct, frozen=True):
    """Where the trial ended, with the message there: what `page/trial-worker.js` says.

    `page`: before the runtime had anything to do with it; `session`: none was created; `run`: it stopped; `late`: it did not
    end in time; `done`: it ran, and the outputs are sent.
    """

    stage: Literal["page", "session", "run", "late", "done"]
    message: str
    nodes: tuple[RanNode, ...]


class Judging(Struct, frozen=True):
    """The variant's graph and device, what the page said, and the folders of native outputs and of the page's."""

    target: str
    graph: Path
    device: Device
    release: str
    browser: str
    accepted: tuple[tuple[str, str], ...]
    answer: Answer
    samples: int
    expected: Path
    outputs: Path
