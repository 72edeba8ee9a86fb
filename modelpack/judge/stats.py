"""`modelpack.stats.json`: what was measured of published variants and cannot be read off the manifest, by variant digest.

A build writes the accuracy it found, `bench` the runs it measured; each keeps the other's fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from modelpack.digest import canonical_json
from modelpack.errors import UsageError
from modelpack.measured import Machine, Run
from modelpack.published import VariantStats

_VERSION: Final = 1
_REMEDY = "run `modelpack build` to write it again"
_RUNS = "runs"
_OURS = frozenset(field.encode_name for field in msgspec.structs.fields(VariantStats)) - {_RUNS}


class Stats(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of each variant by its digest, and the machines that runs name by their ids."""

    stats_version: Literal[1] = _VERSION
    variants: dict[str, VariantStats] = {}
    machines: dict[str, Machine] = {}


class _Everything(msgspec.Struct, frozen=True, rename="camel"):
    """The file with whatever is in it."""

    stats_version: Literal[1] = _VERSION
    variants: dict[str, dict[str, object]] = {}
    machines: dict[str, object] | msgspec.UnsetType = msgspec.UNSET


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
    before = _everything(content)
    merged = {digest: dict(before.variants.get(digest, {})) for digest in published}
    for digest, stats in measured.items():
        found = msgspec.to_builtins(stats)
        kept = {key: value for key, value in merged[digest].items() if key not in _OURS}
        merged[digest] = {**kept, **found}
    variants = {digest: entry for digest, entry in merged.items() if entry}
    return _encoded(_Everything(variants=variants, machines=before.machines))


def with_runs(
    content: bytes | None,
    machine_id: str,
    machine: Machine,
    measured: Mapping[str, tuple[Run, ...]],
) -> bytes:
    """The file's bytes with the runs of that machine, by variant digest. Earlier runs of the same setting are replaced.

    Raises: UsageError MP-E610 if the file is malformed.
    """
    before = parse_stats(content, "modelpack.stats.json") if content else Stats()
    everything = _everything(content)
    variants = {digest: dict(entry) for digest, entry in everything.variants.items()}
    for digest, runs in measured.items():
        known = before.variants.get(digest, VariantStats()).runs
        renewed = {run.setting for run in runs}
        kept = [run for run in known.get(machine_id, ()) if run.setting not in renewed]
        ordered = sorted((*kept, *runs), key=lambda run: run.setting)
        entry = variants.setdefault(digest, {})
        entry[_RUNS] = {**known, machine_id: ordered}
    machines = {**(everything.machines or {}), machine_id: machine}
    return _encoded(_Everything(variants=variants, machines=machines))


def _everything(content: bytes | None) -> _Everything:
    try:
        return msgspec.json.decode(content or b"{}", type=_Everything)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Everything()


def _encoded(whole: _Everything) -> bytes:
    return msgspec.json.format(canonical_json(whole), indent=2) + b"\n"
