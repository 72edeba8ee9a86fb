"""Sizes, durations and shares as people write them, and back again."""

from __future__ import annotations

import re

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

_SIZE_UNITS = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": KIB,
    "MiB": MIB,
    "GiB": GIB,
    "TiB": 1024**2 * MIB,
}
_DURATION_UNITS_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BANDWIDTH_UNITS = {"kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9}
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) *([A-Za-z]+)")

# Digits are counted, so that no text becomes an infinite number.
SIZE_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,15})? *(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$"
DURATION_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,15})? *(ms|s|min|h|d)$"
BANDWIDTH_PATTERN = r"^[0-9]{1,15}(\.[0-9]{1,15})? *(kbit/s|Mbit/s|Gbit/s)$"


def parse_size(text: str) -> int:
    """The bytes in `"24 MB"` (decimal) or `"24 MiB"` (binary). Raises: ValueError."""
    number, unit = _split(text)
    if unit not in _SIZE_UNITS:
        raise ValueError(text)
    return round(number * _SIZE_UNITS[unit])


def parse_duration(text: str) -> float:
    """The seconds in `"500 ms"` or `"60 d"`. Raises: ValueError."""
    number, unit = _split(text)
    if unit not in _DURATION_UNITS_S:
        raise ValueError(text)
    return number * _DURATION_UNITS_S[unit]


def parse_bandwidth(text: str) -> float:
    """The bits per second in `"9 Mbit/s"`. Raises: ValueError."""
    number, unit = _split(text.strip().removesuffix("/s"))
    if f"{unit}/s" not in _BANDWIDTH_UNITS:
        raise ValueError(text)
    return number * _BANDWIDTH_UNITS[f"{unit}/s"]


def format_size(size_bytes: int) -> str:
    """The size as a person reads it, in decimal units: `1.24 MB`."""
    for unit, factor in (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000)):
        if abs(size_bytes) >= factor:
            return f"{_three_digits(size_bytes / factor)} {unit}"
    return f"{size_bytes} B"


def format_seconds(duration_s: float) -> str:
    """The duration as a person reads it: `340 ms`, `2.1 s`, `3 min 05 s`."""
    if duration_s < 1:
        return f"{duration_s * 1000:.0f} ms"
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    return f"{int(duration_s // 60)} min {int(duration_s % 60):02d} s"


def format_latency(duration_s: float) -> str:
    """A duration of which fractions of a millisecond count, with three digits: `0.26 ms`, `12.4 ms`, `1.24 s`."""
    if duration_s >= 1:
        return f"{_three_digits(duration_s)} s"
    return f"{_three_digits(duration_s * 1000)} ms"


def format_share(share: float) -> str:
    """A share from 0 to 1 in per cent: `28 %`."""
    return f"{share * 100:.0f} %"


def _split(text: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return float(match[1]), match[2]


def _three_digits(number: float) -> str:
    # What rounds up to another digit counts as the number that it is shown as.
    if number >= 99.95:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 9.995 else f"{number:.2f}"
