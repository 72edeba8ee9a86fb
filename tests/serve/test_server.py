from __future__ import annotations

import socket

import pytest

from modelpack.errors import UsageError
from modelpack.serve.server import open_sockets


def close(sockets: tuple[socket.socket, ...]) -> None:
    for each in sockets:
        each.close()


def test_sockets_listen_on_loopback_only() -> None:
    sockets = open_sockets(0)
    addresses = {each.getsockname()[0] for each in sockets}
    ports = {each.getsockname()[1] for each in sockets}
    close(sockets)
    assert addresses <= {"127.0.0.1", "::1"}
    assert len(ports) == 1


def test_sockets_of_a_taken_port_are_refused() -> None:
    # W10
    taken = open_sockets(0)
    port = taken[0].getsockname()[1]
    with pytest.raises(UsageError) as caught:
        open_sockets(port)
    close(taken)
    assert str(caught.value) == (
        f"MP-E105 127.0.0.1: port {port} is in use — "
        f"end what uses it, or choose another: modelpack dev --port {port + 1}"
    )


def test_sockets_without_a_wish_take_the_next_free_port() -> None:
    # W10
    first, second = open_sockets(None), open_sockets(None)
    ports = [sockets[0].getsockname()[1] for sockets in (first, second)]
    close(first)
    close(second)
    assert ports[1] > ports[0] >= 4747
