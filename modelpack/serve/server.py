"""The development server on the loopback interface: sockets, and uvicorn in a thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from modelpack.errors import UsageError

DEFAULT_PORT: Final = 4747
_PORTS_TRIED: Final = 20
_START_S: Final = 30.0
_STOP_S: Final = 5.0
_BACKLOG: Final = 256


def open_sockets(port: int | None) -> tuple[socket.socket, ...]:
    """Sockets that listen on a port of 127.0.0.1, and of ::1 where there is one. None: 4747, or the next that is free.

    Raises: UsageError MP-E105 if the port is in use.
    """
    if port is not None:
        sockets = _listen(port)
        if sockets is None:
            raise _in_use(port, f"port {port} is in use")
        return sockets
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED):
        sockets = _listen(candidate)
        if sockets is not None:
            return sockets
    last = DEFAULT_PORT + _PORTS_TRIED - 1
    raise _in_use(last + 1, f"the ports {DEFAULT_PORT} to {last} are in use")


@contextmanager
def serving(
    app: ASGIApp, sockets: tuple[socket.socket, ...], before_stop: Callable[[], None]
) -> Iterator[None]:
    """The server answers while the block runs. `before_stop` ends what would otherwise last for ever."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        log_level="critical",  # who asked nonsense is nobody's news
        proxy_headers=False,  # nobody may say on whose behalf he asks
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=(list(sockets),), daemon=True)
    thread.start()
    end_s = time.monotonic() + _START_S
    while not server.started and thread.is_alive() and time.monotonic() < end_s:
        time.sleep(0.005)
    try:
        yield
    finally:
        before_stop()
        server.should_exit = True
        thread.join(_STOP_S)
        for each in sockets:
            each.close()


def _listen(port: int) -> tuple[socket.socket, ...] | None:
    """Both sockets, or none of them: whoever has one of the two addresses would get some of our requests."""
    first = _bound(socket.AF_INET, "127.0.0.1", port)
    if first is None:
        return None
    port = first.getsockname()[1]
    if not _has_ipv6():
        return (first,)
    second = _bound(socket.AF_INET6, "::1", port)
    if second is None:
        first.close()
        return None
    return (first, second)


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket | None:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        exclusive = getattr(
            socket, "SO_EXCLUSIVEADDRUSE", None
        )  # Windows lets strangers share a port without it
        option = socket.SO_REUSEADDR if exclusive is None else exclusive
        made.setsockopt(socket.SOL_SOCKET, option, 1)
        made.bind((address, port))
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        return None
    return made


def _has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


def _in_use(free: int, found: str) -> UsageError:
    return UsageError(
        "MP-E105",
        found,
        where="127.0.0.1",
        remedy=f"end what uses it, or choose another: modelpack dev --port {free + 1}",
    )
