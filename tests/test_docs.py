"""Commands that the documentation shows exist, with the options it shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.cli.dispatch import COMMANDS
from tests.support.cli import ROOT
from tests.support.command_lines import parse

BLOCK = re.compile(r"^```(?:sh|bash|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(modelpack [^`]+)`")
FOLDERS = ("docs", "examples", "benchmarks", "packages")


def documents() -> list[Path]:
    found = [*ROOT.glob("*.md")]
    found += [path for name in FOLDERS for path in (ROOT / name).rglob("*.md")]
    return [path for path in sorted(found) if "node_modules" not in path.parts]


def shown() -> Iterator[tuple[str, str]]:
    for path in documents():
        text = path.read_text()
        lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
        for line in (*lines, *INLINE.findall(text)):
            words = line.strip().removeprefix("$ ").partition(" #")[0].partition(" | ")[0]
            words = words.removeprefix("npx ").strip()
            if words.startswith("modelpack "):
                yield path.relative_to(ROOT).as_posix(), words


SHOWN = sorted(set(shown()))


@pytest.mark.parametrize(("document", "line"), SHOWN)
def test_docs_command_exists(document: str, line: str) -> None:
    words = shlex.split(line.replace("…", "x"))[1:]
    if len(words) == 1 and not words[0].startswith("-"):
        assert words[0] in COMMANDS  # a command's name in a sentence, without its arguments
    else:
        parse(words)


def test_docs_show_the_first_commands() -> None:
    assert {"modelpack init", "modelpack build"} <= {line for _, line in SHOWN}


def test_docs_links_lead_to_files() -> None:
    dead = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in documents()
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert dead == []
