from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest

from modelpack.cli import main


@contextmanager
def hangup(handler: signal.Handlers) -> Iterator[None]:
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("handler", "code"), [(signal.SIG_IGN, 0), (signal.SIG_DFL, 143)], ids=["nohup", "terminal"]
)
def test_hangup_ends_a_command_unless_it_is_to_be_ignored(
    monkeypatch: pytest.MonkeyPatch, handler: signal.Handlers, code: int
) -> None:
    def hung_up(*_arguments: object) -> int:
        signal.raise_signal(signal.SIGHUP)
        return 0

    monkeypatch.setattr("modelpack.cli.dispatch.dispatch", hung_up)
    with hangup(handler):
        assert main.run(["list"], StringIO(), StringIO()) == code
