"""`modelpack.stats.json`: what was measured of published variants and cannot be read off the manifest, by variant digest.

A build writes the accuracy it found; fields that others write are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from modelpack.digest import canonical_json
from modelpack.errors import UsageError
from modelpack.published import VariantStats

_VERSION: Final = 1
_REMEDY = "run `modelpack build` to write it again"
_OURS = frozenset(field.encode_name for field in msgspec.structs.fields(VariantStats))


class Stats(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of each variant by its digest."""

    stats_version: Literal[1] = _VERSION
    variants: dict[str, VariantStats] = {}


class _Everything(msgspec.Struct, frozen=True, rename="camel"):
    """The file with whatever is in it."""

    stats_version: Literal[1] = _VERSION
    variants: dict[str, dict[str, object]] = {}


def parse_stats(content: bytes, where: str) -> Stats:
    """The stats in `content`. Raises: UsageError MP-E610 if they are malformed, or of another version."""
    try:
        return msgspec.json.decode(content, type=Stats)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise UsageError(
            "MP-E610",
            f"not stats of version {_VERSION} ({err})",
            where=where,
            remedy=_REMEDY,
        ) from err


def merged_stats(
    content: bytes | None, measured: Mapping[str, VariantStats], published: frozenset[str]
) -> bytes:
    """The file's bytes with what was measured now; variants that are no longer published are dropped.

    A file that cannot be read is replaced: everything in it can be measured again.
    """
    try:
        before = msgspec.json.decode(content or b"{}", type=_Everything).variants
    except (msgspec.DecodeError, UnicodeDecodeError):
        before = {}
    merged = {digest: dict(before.get(digest, {})) for digest in published}
    for digest, stats in measured.items():
        found = msgspec.to_builtins(stats)
        kept = {key: value for key, value in merged[digest].items() if key not in _OURS}
        merged[digest] = {**kept, **found}
    whole = _Everything(variants={digest: entry for digest, entry in merged.items() if entry})
    return msgspec.json.format(canonical_json(whole), indent=2) + b"\n"
