"""The baselines that were committed, as git remembers them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from modelpack.engine.packs import committed
from modelpack.errors import ModelpackError
from modelpack.judge.baseline import parse_baseline
from modelpack.picture import Commit

_MOST_COMMITS = 60
_GIT_TIMEOUT_S = 30
_FORMAT = "--format=%h%x09%cs%x09%s"


def committed_baselines(baseline: Path) -> tuple[Commit, ...]:
    """The last commits that changed the file, oldest first; none where git has none. Unreadable ones are left out."""
    found = []
    for line in _log(baseline):
        name, date, subject = line.split("\t", 2)
        try:
            variants = parse_baseline(committed(name, baseline), name).variants
        except ModelpackError:
            continue  # deleted in that commit, or of another version
        found.append(Commit(name, date, subject, variants))
    return tuple(reversed(found))


def _log(baseline: Path) -> list[str]:
    command = ["git", "-C", str(baseline.parent), "log", _FORMAT, f"-n{_MOST_COMMITS}", "--"]
    try:
        found = subprocess.run(  # noqa: S603  no shell, constant arguments but for the path
            [*command, baseline.name], check=False, capture_output=True, timeout=_GIT_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if found.returncode:
        return []
    return found.stdout.decode(errors="replace").splitlines()
