"""The most memory that this process has held."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_bytes() -> int | None:
    """The peak of resident memory so far; None on a system that does not say."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux its figure begins with what the parent held when it made this process.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 (Windows has none)

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
