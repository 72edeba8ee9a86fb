"""What `modelpack bench` can be asked for."""

from __future__ import annotations

import argparse
from typing import Literal

from modelpack.cli.options import Options, add_json, add_models

_MOST_THREADS = 64


class BenchOptions(Options):
    """What `bench` understands."""

    models: list[str]
    only: Literal["native", "browser"] | None
    browser: str
    threads: tuple[int, ...]
    runs: int
    seconds: float
    warmup: int
    visits: int
    slowdown: tuple[float, ...]
    software_gpu: bool
    save: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `bench`."""
    add_models(parser)
    parser.add_argument(
        "--only", choices=("native", "browser"), help="not both natively and in a browser"
    )
    parser.add_argument(
        "--browser",
        default="",
        metavar="NAME",
        help="chromium, chrome, edge, firefox, or the path of one, as installed on this machine; the first found, where none is given",
    )
    parser.add_argument(
        "--threads",
        type=_threads,
        default=(),
        metavar="N,N",
        help="thread counts; 1 up to the cores of this machine, where none are given",
    )
    parser.add_argument(
        "--runs", type=_positive, default=60, metavar="N", help="later inferences at least (60)"
    )
    parser.add_argument(
        "--seconds", type=_amount, default=2.0, metavar="S", help="and for so long at least (2)"
    )
    parser.add_argument(
        "--warmup", type=_count, default=5, metavar="N", help="inferences before them (5)"
    )
    parser.add_argument(
        "--visits", type=_positive, default=3, metavar="N", help="how often the model is loaded (3)"
    )
    parser.add_argument(
        "--slowdown",
        type=_slowdowns,
        default=(),
        metavar="X,X",
        help="also as on a processor so many times slower (Chromium, Chrome, Edge)",
    )
    parser.add_argument(
        "--software-gpu",
        action="store_true",
        help="emulate a graphics processor (Chromium, Chrome, Edge): for the accuracy of webgpu variants in 32 bits, not for their speed",
    )
    parser.add_argument(
        "--no-save",
        dest="save",
        action="store_false",
        help="leave modelpack.stats.json as it is",
    )
    add_json(parser)


def _threads(text: str) -> tuple[int, ...]:
    counts = tuple(dict.fromkeys(_positive(part) for part in text.split(",")))
    if max(counts) > _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"found {max(counts)}; expected at most {_MOST_THREADS}")
    return counts


def _slowdowns(text: str) -> tuple[float, ...]:
    factors = tuple(_amount(part) for part in text.split(","))
    if min(factors) <= 1:
        raise argparse.ArgumentTypeError(f'found "{text}"; expected factors above 1')
    return factors


def _positive(text: str) -> int:
    if _count(text) < 1:
        raise argparse.ArgumentTypeError(f'found "{text}"; expected a number from 1')
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise argparse.ArgumentTypeError(f'found "{text}"; expected a whole number')
    return int(text)


def _amount(text: str) -> float:
    if not text.replace(".", "", 1).isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f'found "{text}"; expected a number')
    return float(text)
