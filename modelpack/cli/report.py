"""`modelpack report`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

from modelpack.cli.options import Options
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.config.document import read_document
from modelpack.config.keypath import parse_key_path
from modelpack.config.lines import find_lines
from modelpack.engine.checking import check_project
from modelpack.engine.from_build import check_of_build
from modelpack.engine.picturing import picture_of
from modelpack.errors import UsageError
from modelpack.published import CheckReport
from modelpack.report.check import check_text
from modelpack.report.github import check_github
from modelpack.report.html import check_plotly, report_html
from modelpack.report.json import json_document
from modelpack.report.junit import check_junit
from modelpack.report.markdown import check_markdown
from modelpack.spec.project import Project
from modelpack.store.atomic import write_atomically
from modelpack.units import format_size

EXAMPLES = """\
  modelpack report --format md                      what is published, as a pull-request comment
  modelpack report --format md --build build.json   what a build found, published or not
  modelpack report --format junit                   the limits as test cases
  modelpack report --format github                  the limits that do not hold, as annotations
  modelpack report --html                           everything, drawn, in one file to look at"""

Format = Literal["text", "md", "json", "junit", "github"]


class ReportOptions(Options):
    """What `report` understands."""

    format: Format
    build: Path | None
    html: Path | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `report`."""
    parser.add_argument(
        "--format",
        choices=("text", "md", "json", "junit", "github"),
        default="text",
        help="text, a pull-request comment, JSON, JUnit XML, or GitHub annotations",
    )
    parser.add_argument(
        "--build",
        type=Path,
        metavar="FILE",
        help="report on what `modelpack build --json` wrote to FILE, not on what is published",
    )
    parser.add_argument(
        "--html",
        type=Path,
        nargs="?",
        const=Path("modelpack-report.html"),
        metavar="FILE",
        help="write a page with treemaps, trade-offs, profiles and history to FILE (modelpack-report.html)",
    )


def execute(options: ReportOptions, terminal: Terminal) -> int:
    """Prints the report. It judges, but never fails: that is what `build` and `check` are for."""
    project = load_project(options)
    if options.html is not None:
        return _write_html(options, project, terminal)
    if options.build is not None:
        report = check_of_build(Path(options.directory or "") / options.build, project)
    else:
        with project_store(project) as store:
            report = check_project(project, project, store)
    terminal.data(_formatted(report, project, options.format))
    return 0


def _write_html(options: ReportOptions, project: Project, terminal: Terminal) -> int:
    if options.build is not None or options.format != "text":
        raise UsageError(
            "MP-E101",
            "--html shows what is published, and has no other format",
            remedy="leave out --build and --format",
        )
    check_plotly()
    path = Path.cwd() / (options.directory or "") / str(options.html)
    with project_store(project) as store:
        content = report_html(picture_of(project, project, store)).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    terminal.say(f"report: {options.html} ({format_size(len(content))})")
    return 0


def _formatted(report: CheckReport, project: Project, form: Format) -> str | bytes:
    match form:
        case "text":
            return check_text(report)
        case "md":
            return check_markdown(report)
        case "json":
            return json_document(report)
        case "junit":
            return check_junit(report)
        case "github":
            name = project.config.relative_to(project.workspace).as_posix()
            return check_github(report, name, _lines(report, project))


def _lines(report: CheckReport, project: Project) -> dict[str, int]:
    """The line of each key that a verdict names."""
    keys = {verdict.key: parse_key_path(verdict.key) for verdict in report.verdicts}
    found = find_lines(read_document(project.config).text, keys.values())
    return {key: found[path] for key, path in keys.items() if path in found}
