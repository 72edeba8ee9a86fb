"""How far the figures of `modelpack bench` lie apart in five runs of the same variant, and what browsers make of accuracy.

    PYTHONPATH=. python benchmarks/bench_spread.py [MODEL@VARIANT …] [-C folder of a built project]

Without arguments: digits@q8 of examples/digits. The spread of a figure is its largest ÷ its smallest value.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.support import MODELPACK, ROOT, print_table, run, throw_away_project

RUNS = 5
FIGURES = ("loadS", "firstS", "p50S", "p95S", "memoryBytes")
_OPTIONS = ("--threads", "1", "--visits", "1", "--runs", "30", "--seconds", "0", "--no-save")

Run = dict[str, object]


class _Variant(msgspec.Struct):
    variant: str
    runs: list[Run]


class _Answer(msgspec.Struct):
    variants: list[_Variant]


def main() -> None:
    """Prints one row for each variant and engine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("variants", nargs="*", default=["digits@q8"])
    parser.add_argument("-C", dest="folder", type=Path)
    options = parser.parse_args()
    with project(options.folder) as folder:
        rows = [row for variant in options.variants for row in _rows(variant, folder)]
    header = (
        "variant",
        "engine",
        *(f"{name} spread" for name in ("load", "first", "p50", "p95", "memory")),
    )
    print_table(f"Largest ÷ smallest of {RUNS} runs", header, rows)


def _rows(variant: str, folder: Path) -> Iterator[tuple[str, ...]]:
    found: dict[str, list[Run]] = {}
    for _ in range(RUNS):
        said = run((*MODELPACK, "bench", variant, "--json", *_OPTIONS), folder)
        (one,) = msgspec.json.decode(said, type=_Answer).variants
        for each in one.runs:
            found.setdefault(f"{each['engine']} {each['device']}", []).append(each)
    for engine, runs in found.items():
        yield variant, engine, *(_spread(runs, figure) for figure in FIGURES)


def _spread(runs: Sequence[Run], figure: str) -> str:
    values = [
        value for each in runs if isinstance(value := each.get(figure), int | float) and value
    ]
    return f"{max(values) / min(values):.2f}" if values else "–"


@contextmanager
def project(folder: Path | None) -> Iterator[Path]:
    """The folder, or examples/digits, built."""
    if folder is not None:
        yield folder
        return
    with throw_away_project() as made:
        ignored = shutil.ignore_patterns("public", ".modelpack", "node_modules")
        shutil.copytree(ROOT / "examples" / "digits", made, dirs_exist_ok=True, ignore=ignored)
        (made / "node_modules").symlink_to(ROOT / "node_modules")
        run((*MODELPACK, "build", "-q"), made)
        yield made


if __name__ == "__main__":
    main()
