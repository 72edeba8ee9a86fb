from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.units import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    format_seconds,
    format_share,
    format_size,
    parse_duration,
    parse_size,
)

WRONG = [
    "",
    "4",
    "MB",
    "-4 MB",
    "4 XB",
    "4 mb",
    "nan MB",
    "inf MB",
    "1e3 MB",
    "4 MB MB",
    ".5 MB",
    "9" * 16 + " B",
]


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0 B", 0),
        ("24 MB", 24_000_000),
        ("24 MiB", 25_165_824),
        ("1.5 kB", 1_500),
        ("1KB", 1_000),
        ("1 KiB", 1_024),
        ("2 GB", 2_000_000_000),
        ("1 TiB", 1_099_511_627_776),
        ("  4 MiB ", 4_194_304),
    ],
)
def test_parse_size_reads_decimal_and_binary_units(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("500 ms", 0.5), ("14 s", 14.0), ("2 min", 120.0), ("1.5 h", 5_400.0), ("60 d", 5_184_000.0)],
)
def test_parse_duration_reads_each_unit(text: str, duration_s: float) -> None:
    assert parse_duration(text) == duration_s


@pytest.mark.parametrize("text", WRONG)
def test_parse_refuses_what_is_no_quantity(text: str) -> None:
    for parse in (parse_size, parse_duration):
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            parse(text)


def test_parse_refuses_the_units_of_the_other() -> None:
    with pytest.raises(ValueError, match="4 s"):
        parse_size("4 s")
    with pytest.raises(ValueError, match="4 MB"):
        parse_duration("4 MB")


@given(st.text(alphabet="0123456789. kKMGTiBsmhd", max_size=20))
def test_patterns_of_the_schema_accept_what_the_parsers_accept(text: str) -> None:
    for pattern, parse in ((SIZE_PATTERN, parse_size), (DURATION_PATTERN, parse_duration)):
        try:
            parse(text)
            is_good = True
        except ValueError:
            is_good = False
        assert (re.fullmatch(pattern, text.strip()) is not None) is is_good


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.00 kB"),
        (12_345, "12.3 kB"),
        (1_240_000, "1.24 MB"),
        (123_456_789, "123 MB"),
        (2_000_000_000, "2.00 GB"),
        (-1_500, "-1.50 kB"),
    ],
)
def test_format_size_shows_three_digits(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(0.0, "0 ms"), (0.34, "340 ms"), (1.0, "1.0 s"), (59.9, "59.9 s"), (185.0, "3 min 05 s")],
)
def test_format_seconds_shows_what_a_person_reads(duration_s: float, text: str) -> None:
    assert format_seconds(duration_s) == text


def test_format_share_is_in_per_cent() -> None:
    assert [format_share(share) for share in (0.0, 0.28, 1.0)] == ["0 %", "28 %", "100 %"]
