"""The development server over a published project, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelpack.record import BuildReport
from modelpack.serve.dev import Served, serve
from modelpack.serve.parts import Parts
from modelpack.watched import BuildEnded
from tests.support.projects import Project

SCRIPT = "export const answer = 42;\n"


def make_parts(folder: Path) -> Parts:
    """A page, a loader and a runtime that are as small as can be, with a file beside that is nobody's business."""
    for name in ("page", "loader", "runtime"):
        (folder / name).mkdir(parents=True)
    (folder / "page" / "index.html").write_text("<!doctype html><title>page</title>")
    (folder / "page" / "secret.txt").write_text("secret")
    (folder / "loader" / "index.js").write_text(SCRIPT)
    (folder / "runtime" / "ort.wasm.min.mjs").write_text(SCRIPT)
    (folder / "runtime" / "ort.wasm").write_bytes(b"\0asm")
    return Parts(folder / "page", folder / "loader", folder / "runtime")


def report(status: str = "built") -> BuildReport:
    """The report of a build that gave nothing worth telling."""
    return BuildReport(status, "", "", (), (), (), 0.0)  # type: ignore[arg-type]


@contextmanager
def served(project: Project, folder: Path, *origins: str) -> Iterator[Served]:
    """The server, after it has heard of a build."""
    with serve(project.config, make_parts(folder), 0, frozenset(origins)) as found:
        found.site.adopt(project.declared())
        found.site.hear(BuildEnded(report()))
        yield found
