"""A configuration file → Project, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from modelpack.config.assemble import assemble
from modelpack.config.contradictions import contradictions
from modelpack.config.document import Document, read_document
from modelpack.config.find import find_workspace
from modelpack.config.grammar import PROJECT
from modelpack.config.lines import find_lines
from modelpack.config.paths import Folders
from modelpack.config.place import Fault, Keys, Place, spell
from modelpack.errors import UsageError
from modelpack.spec.project import Mode, Project

_MAX_FAULTS = 50  # nobody reads more at once


def read_project(path: Path, mode: Mode) -> Project:
    """The project that the file at `path` declares; in development mode, broken budgets only warn.

    Whether sources, samples and assets exist is not checked.
    Raises: UsageError if anything is wrong; if several things are, it has `others`.
    """
    path = path.absolute()
    workspace = find_workspace(path)
    document = read_document(path)
    root = Place((), Folders(path.parent, workspace))
    _refuse(PROJECT.faults(document.tables, root), document)
    values = PROJECT.read(document.tables, root)
    _refuse(contradictions(values), document)
    return assemble(values, path, mode)


def _refuse(faults: Iterable[Fault], document: Document) -> None:
    found = list(islice(faults, _MAX_FAULTS))
    if not found:
        return
    lines = find_lines(document.text, {fault.at for fault in found})
    found.sort(key=lambda fault: _line(fault.at, lines))
    first, *others = (_usage_error(fault, document.name, lines) for fault in found)
    first.others = tuple(others)
    raise first


def _line(keys: Keys, lines: dict[Keys, int]) -> int:
    """The line of the key, or of the nearest table around it; 1 if there is none."""
    while keys and keys not in lines:
        keys = keys[:-1]
    return lines.get(keys, 1)


def _usage_error(fault: Fault, name: str, lines: dict[Keys, int]) -> UsageError:
    # An unknown key is no place in the grammar: its line is shown, but its table is named.
    keys = fault.at[:-1] if fault.code == "MP-E111" else fault.at
    where = f"{name}:{_line(fault.at, lines)} {spell(keys)}".rstrip()
    return UsageError(fault.code, fault.message, where=where, remedy=fault.remedy)
