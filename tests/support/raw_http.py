"""HTTP as bytes on a socket: what no well-behaved client would send."""

from __future__ import annotations

import socket

from msgspec import Struct

LIMIT_S = 60.0


class Answered(Struct, frozen=True):
    """A raw answer; `status` is 0 where the connection was closed without one. Header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The header's value; empty where it is missing."""
        return next((value for key, value in self.headers if key == name), "")


def exchange(port: int, request: bytes, *, is_all: bool = True) -> Answered:
    """What comes back until the other side closes. With `is_all`, it learns that nothing more will come from here."""
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
        _send(connection, request, is_all=is_all)
        received = bytearray()
        try:
            while block := connection.recv(1 << 16):
                received += block
        except ConnectionResetError:
            pass  # closed with our bytes unread: as good as an end
    return _parsed(bytes(received))


def _send(connection: socket.socket, request: bytes, *, is_all: bool) -> None:
    """A server that has had enough may close while it is still being sent to."""
    try:
        connection.sendall(request)
        if is_all:
            connection.shutdown(socket.SHUT_WR)
    except TimeoutError:
        raise
    except OSError:
        return


def get(
    port: int, target: str, *headers: tuple[str, str], method: str = "GET", host: str = ""
) -> Answered:
    """The answer to a request with these headers."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host or f'localhost:{port}'}"]
    lines += [f"{name}: {value}" for name, value in headers]
    text = "\r\n".join([*lines, "Connection: close", "", ""])
    return exchange(port, text.encode("latin-1"), is_all=False)


def _parsed(received: bytes) -> Answered:
    head, _, body = received.partition(b"\r\n\r\n")
    if not head:
        return Answered(0, (), b"")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
    return Answered(int(first.split(" ")[1]), headers, body)
