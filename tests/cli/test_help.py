from __future__ import annotations

import re
import shlex
from importlib import import_module

import pytest

from modelpack import __version__
from modelpack.cli.dispatch import COMMANDS
from tests.support.cli import modelpack
from tests.support.command_lines import parse
from tests.support.golden import assert_golden

EXAMPLES = [
    line.split("  ")[0].partition(" | ")[0]
    for name in COMMANDS
    for line in import_module(f"modelpack.cli.{name}").EXAMPLES.strip().split("\n  ")
]


def test_help_of_modelpack_is_golden() -> None:
    answer = modelpack("--help")
    assert (answer.code, answer.err) == (0, "")
    assert_golden("cli/help.txt", answer.out)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_of_each_command_is_golden(command: str, flag: str) -> None:
    answer = modelpack(command, flag)
    assert (answer.code, answer.err) == (0, "")
    assert_golden(f"cli/help-{command}.txt", answer.out)


@pytest.mark.parametrize("example", EXAMPLES)
def test_help_examples_can_be_parsed(example: str) -> None:
    words = shlex.split(example)
    assert words[0] == "modelpack"
    parse(words[1:])


def test_help_lists_an_example_of_every_command() -> None:
    assert {shlex.split(example)[1] for example in EXAMPLES} == set(COMMANDS)


def test_help_of_a_command_needs_no_configuration(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert modelpack("verify", "--help").code == 0


def test_help_wraps_at_the_same_width_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    narrow = modelpack("build", "--help").out
    monkeypatch.setenv("COLUMNS", "200")
    assert modelpack("build", "--help").out == narrow
    assert max(map(len, narrow.splitlines())) <= 96


def test_version_is_one_line() -> None:
    answer = modelpack("--version")
    assert (answer.code, answer.out, answer.err) == (0, f"modelpack {__version__}\n", "")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", __version__)


def test_nothing_asked_for_shows_the_help_as_an_error() -> None:
    answer = modelpack()
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == modelpack("--help").out


def test_unknown_command_names_the_nearest() -> None:
    answer = modelpack("biuld")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        'MP-E101 unknown command "biuld"; did you mean "build"? — see modelpack --help\n'
    )


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (
            ["build", "--modes", "x"],
            'MP-E101 unrecognized arguments: --modes; did you mean "--mode"? — see modelpack build --help',
        ),
        (
            ["build", "--jobs", "0"],
            'MP-E101 argument -j/--jobs: found "0"; expected a number from 1 — see modelpack build --help',
        ),
        (
            ["cache"],
            "MP-E101 the following arguments are required: action — see modelpack cache --help",
        ),
        (
            ["why"],
            "MP-E101 the following arguments are required: STEP — see modelpack why --help",
        ),
    ],
)
def test_wrong_arguments_are_one_line(argv: list[str], line: str) -> None:
    answer = modelpack(*argv)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"{line}\n"
