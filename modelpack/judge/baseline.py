"""`modelpack.baseline.json`: the figures that a team committed, which later builds are compared with.

Written by `modelpack baseline update` and by nothing else: what is compared with must not move by itself.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from modelpack.digest import canonical_json
from modelpack.errors import UsageError
from modelpack.published import PublishedVariant

_VERSION: Final = 1


class Baseline(msgspec.Struct, frozen=True, rename="camel"):
    """The figures of each variant by its name, `minilm@q8`."""

    baseline_version: Literal[1] = _VERSION
    variants: dict[str, PublishedVariant] = {}


def parse_baseline(content: bytes, where: str) -> Baseline:
    """The baseline in `content`. Raises: UsageError MP-E610 if it is malformed, or of another version."""
    try:
        return msgspec.json.decode(content, type=Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise UsageError(
            "MP-E610",
            f"not a baseline of version {_VERSION} ({err})",
            where=where,
            remedy="run `modelpack baseline update` to write it again",
        ) from err


def encode_baseline(baseline: Baseline) -> bytes:
    """The file's bytes: indented, keys sorted, so that a review shows what moved."""
    return msgspec.json.format(canonical_json(baseline), indent=2) + b"\n"
