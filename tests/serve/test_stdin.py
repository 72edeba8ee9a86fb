from __future__ import annotations

import os
import socket
from threading import Event

from modelpack.serve.stdin import when_closed

LIMIT_S = 60.0


def test_when_closed_pipe_calls() -> None:
    reader, writer = os.pipe()
    closed = Event()
    assert when_closed(reader, closed.set)
    os.write(writer, b"typed by nobody\n")
    assert not closed.wait(0.05)
    os.close(writer)
    assert closed.wait(LIMIT_S)
    os.close(reader)


def test_when_closed_socket_calls() -> None:
    # Node gives its children sockets for pipes.
    ours, theirs = socket.socketpair()
    closed = Event()
    assert when_closed(ours.fileno(), closed.set)
    theirs.close()
    assert closed.wait(LIMIT_S)
    ours.close()


def test_when_closed_device_is_none_of_ours() -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    assert not when_closed(descriptor, Event().set)
    os.close(descriptor)


def test_when_closed_missing_descriptor_is_none() -> None:
    assert not when_closed(10_000, Event().set)
