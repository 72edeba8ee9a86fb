"""WebDriver BiDi, W3C's protocol for driving browsers: as much of it as one page at a time needs.

https://www.w3.org/TR/webdriver-bidi/, read 2026-11. Commands go out one by one, and events are ignored.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from modelpack.bench.driver import PAGE_TIMEOUT_S, page_failed

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_OPEN_TIMEOUT_S: Final = 60.0
# Values cross as JSON text: the protocol's own form of them wraps every number and field.
_CALL: Final = "async (argument) => JSON.stringify((await ({})(JSON.parse(argument))) ?? null)"


class _Answer(Struct, frozen=True):
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"{}")
    error: str = ""
    message: str = ""


class _Capabilities(Struct, frozen=True, rename="camel"):
    browser_version: str


class _Session(Struct, frozen=True):
    capabilities: _Capabilities


class _UserContext(Struct, frozen=True, rename="camel"):
    user_context: str


class _Context(Struct, frozen=True):
    context: str


class _Value(Struct, frozen=True):
    value: str = "null"


class _Thrown(Struct, frozen=True):
    text: str


class _Called(Struct, frozen=True, rename="camel"):
    result: _Value = _Value()
    exception_details: _Thrown | None = None


class Connection:
    """A session with a browser. Used by one thread."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._sent = 0
        capabilities = {"alwaysMatch": {"unhandledPromptBehavior": {"default": "dismiss"}}}
        answer = self._send("session.new", {"capabilities": capabilities})
        found = msgspec.json.decode(answer, type=_Session)
        self.version = found.capabilities.browser_version

    def open(self, address: str) -> BidiPage:
        """The address in a profile of its own. Raises: BenchError MP-E804."""
        answer = self._send("browser.createUserContext", {})
        profile = msgspec.json.decode(answer, type=_UserContext).user_context
        wanted = {"type": "tab", "userContext": profile}
        answer = self._send("browsingContext.create", wanted)
        context = msgspec.json.decode(answer, type=_Context).context
        self._send(
            "browsingContext.navigate", {"context": context, "url": address, "wait": "complete"}
        )
        return BidiPage(self, context, profile)

    def close(self, page: BidiPage) -> None:
        """Closes the page, and forgets its profile."""
        self._send("browser.removeUserContext", {"userContext": page.profile})

    def end(self) -> None:
        """Tells the browser to end."""
        self._send("browser.close", {})

    def call(self, context: str, function: str, argument: object) -> object:
        """What the function gives. Raises: BenchError MP-E804 if it throws, or the browser is gone."""
        given = msgspec.json.encode(argument).decode()
        parameters = {
            "functionDeclaration": _CALL.format(function),
            "arguments": [{"type": "string", "value": given}],
            "target": {"context": context},
            "awaitPromise": True,
        }
        called = msgspec.json.decode(self._send("script.callFunction", parameters), type=_Called)
        if called.exception_details is not None:
            raise page_failed(called.exception_details.text)
        found: object = msgspec.json.decode(called.result.value)
        return found

    def _send(self, method: str, parameters: object) -> bytes:
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415 (an extra)

        self._sent += 1
        command = {"id": self._sent, "method": method, "params": parameters}
        until_s = time.monotonic() + PAGE_TIMEOUT_S
        try:
            self._socket.send(msgspec.json.encode(command).decode())
            while True:
                received = self._socket.recv(max(0.0, until_s - time.monotonic()))
                answer = msgspec.json.decode(received, type=_Answer)
                if answer.id == self._sent:
                    break
        except TimeoutError as err:
            raise page_failed(f"no answer within {PAGE_TIMEOUT_S:g} s") from err
        except ConnectionClosed as err:
            raise page_failed("the browser has ended") from err
        if answer.error:
            what, _, _ = answer.message.partition("\n")
            raise page_failed(f"{method}: {answer.error}: {what}")
        return bytes(answer.result)


class BidiPage:
    """An open page, and the profile that is its own."""

    def __init__(self, connection: Connection, context: str, profile: str) -> None:
        self._connection = connection
        self._context = context
        self.profile = profile

    def evaluate(self, function: str, argument: object = None) -> object:
        """What the function gives for the argument. Raises: BenchError MP-E804."""
        return self._connection.call(self._context, function, argument)


@contextmanager
def connected(address: str) -> Iterator[Connection]:
    """A session with the browser that listens at the address. Raises: OSError if none does."""
    from websockets.sync.client import connect  # noqa: PLC0415 (an extra)

    with connect(
        address, open_timeout=_OPEN_TIMEOUT_S, ping_interval=None, max_size=None, proxy=None
    ) as socket:
        yield Connection(socket)
