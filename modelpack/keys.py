"""The name of a result before it exists.

1. A cached result depends on nothing but its StepKey.
2. Everything that can change its bytes is in the key: step kind, the code that runs, parameters, the content of the
   inputs by role, tool versions, and for numeric steps the processor's instruction set.
3. Nothing else is: no path, time, host, or upstream key. A step that re-runs to the same bytes wakes nobody.
4. Results are immutable; the preimage is kept beside them so that `modelpack why` can name what changed.
"""

from __future__ import annotations

from msgspec import Struct

from modelpack.digest import digest_json
from modelpack.planned import Params


class InputDigest(Struct, frozen=True, rename="camel"):
    """The content of one input file. `name` is set where the graph finds the file by it (external data)."""

    role: str
    name: str
    digest: str


class KeyPreimage(Struct, frozen=True, rename="camel"):
    """Everything a result follows from. `code` maps source files to digests, `tools` distributions to versions."""

    kind: str
    params: Params
    code: tuple[tuple[str, str], ...]
    tools: tuple[tuple[str, str], ...]
    inputs: tuple[InputDigest, ...]
    platform: str


def step_key(preimage: KeyPreimage) -> str:
    """The StepKey: the SHA-256 of the preimage as canonical JSON."""
    return digest_json(preimage)
