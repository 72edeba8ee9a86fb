"""What changed, from the thread of the watch to every page that listens (server-sent events)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from threading import Lock
from typing import Final

_ALIVE_S: Final = 15.0  # proxies and browsers give silent connections up after 30 s or more
_MOST_WAITING: Final = 100  # a page that does not read for so many messages is gone
_ALIVE: Final = b": still here\n\n"

_Listener = tuple[asyncio.AbstractEventLoop, "asyncio.Queue[bytes | None]"]


class News:
    """Keeps the last message of each kind, for those who come later."""

    def __init__(self) -> None:
        self._last: dict[str, bytes] = {}
        self._listeners: list[_Listener] = []
        self._is_over = False
        self._lock = Lock()

    def tell(self, kind: str, line: bytes, *, keep: bool = True) -> None:
        """Sends one line of data to every listener. With `keep`, whoever comes later gets it first. Any thread."""
        message = b"event: " + kind.encode() + b"\ndata: " + line + b"\n\n"
        with self._lock:
            if keep:
                self._last[kind] = message
            listeners = tuple(self._listeners)
        for listener in listeners:
            _send(listener, message)

    def close(self) -> None:
        """Ends all streams, those to come included."""
        with self._lock:
            self._is_over = True
            listeners = tuple(self._listeners)
        for listener in listeners:
            _send(listener, None)

    async def stream(self) -> AsyncIterator[bytes]:
        """The messages as they come."""
        listener = (asyncio.get_running_loop(), asyncio.Queue[bytes | None](_MOST_WAITING))
        with self._lock:
            if self._is_over:
                return
            self._listeners.append(listener)
            known = tuple(self._last.values())
        try:
            yield b"retry: 1000\n\n" + b"".join(known)
            while True:
                message = await _next(listener[1])
                if message is None:
                    return
                yield message
        finally:
            with self._lock:
                self._listeners.remove(listener)


async def _next(queue: asyncio.Queue[bytes | None]) -> bytes | None:
    try:
        return await asyncio.wait_for(queue.get(), _ALIVE_S)
    except asyncio.TimeoutError:
        return _ALIVE


def _send(listener: _Listener, message: bytes | None) -> None:
    loop, queue = listener
    try:
        loop.call_soon_threadsafe(_put, queue, message)
    except RuntimeError:
        return  # its loop is closed, and with it the connection


def _put(queue: asyncio.Queue[bytes | None], message: bytes | None) -> None:
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(message)
