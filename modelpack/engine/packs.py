"""Published packs to compare: manifests, baselines, and what was committed at some revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from modelpack.engine.figures import published_variants
from modelpack.errors import ModelpackError, UsageError
from modelpack.judge.baseline import parse_baseline
from modelpack.judge.stats import Stats
from modelpack.publish.folder import MANIFEST_FILE
from modelpack.publish.parse import parse_manifest
from modelpack.published import PublishedVariant

_GIT_TIMEOUT_S = 30


class _Kind(msgspec.Struct, frozen=True, rename="camel"):
    manifest_version: int | None = None
    baseline_version: int | None = None


def read_pack(name: str, baseline: Path) -> dict[str, PublishedVariant]:
    """The variants that `name` means.

    1. A file: a manifest or a baseline. 2. A folder: the manifest published in it. 3. Otherwise a git revision: the file
    `baseline` as it was committed there.

    Raises: UsageError MP-E611 if there is no such thing, MP-E610 or ManifestError MP-E710 if it is malformed.
    """
    path = Path(name)
    if path.is_dir():
        path /= MANIFEST_FILE
    if path.is_file():
        return _variants(path.read_bytes(), str(path))
    return _variants(committed(name, baseline), f"{name}:{baseline.name}")


def _variants(content: bytes, where: str) -> dict[str, PublishedVariant]:
    try:
        kind = msgspec.json.decode(content, type=_Kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise _nothing(where, f"is neither a manifest nor a baseline ({err})") from err
    if kind.baseline_version is not None:
        return parse_baseline(content, where).variants
    return published_variants(parse_manifest(content, where), Stats())


def committed(revision: str, baseline: Path) -> bytes:
    """The baseline's bytes at that revision. Git is asked for the blob; nothing is checked out."""
    if revision.startswith("-"):
        raise _nothing(revision, "is no file and no git revision")
    command = ["git", "-C", str(baseline.parent), "show", f"{revision}:./{baseline.name}"]
    try:
        found = subprocess.run(  # noqa: S603  no shell, and a revision cannot be an option
            command, check=False, capture_output=True, timeout=_GIT_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise _nothing(revision, f"is no file, and git does not answer ({err})") from err
    if found.returncode:
        lines = found.stderr.decode(errors="replace").strip().splitlines()
        raise _nothing(
            revision,
            f"is no file, and git has no such baseline ({lines[0][:200] if lines else ''})",
        )
    return found.stdout


def _nothing(where: str, found: str) -> ModelpackError:
    return UsageError(
        "MP-E611",
        found,
        where=where,
        remedy="name a manifest.json, a modelpack.baseline.json, or a commit that has one",
    )
