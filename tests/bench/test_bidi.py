from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection, serve

from modelpack.bench.bidi import connected
from modelpack.errors import BenchError

ANSWERS: dict[str, object] = {
    "session.new": {"sessionId": "s", "capabilities": {"browserVersion": "153.7"}},
    "browser.createUserContext": {"userContext": "u"},
    "browsingContext.create": {"context": "c"},
}


@contextmanager
def browser(said: Callable[[dict[str, object]], str], seen: list[str]) -> Iterator[str]:
    """The address of a browser that answers `script.callFunction` with `said`, and remembers the methods it was sent."""

    def answered(socket: ServerConnection) -> None:
        for message in socket:
            command = json.loads(message)
            seen.append(command["method"])
            socket.send('{"type": "event", "method": "log.entryAdded", "params": {}}')
            if command["method"] == "script.callFunction":
                answer = said(command)
            else:
                result = ANSWERS.get(command["method"], {})
                answer = json.dumps({"type": "success", "id": command["id"], "result": result})
            socket.send(answer)

    with serve(answered, "127.0.0.1", 0) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listening.socket.getsockname()[1]}/session"
        finally:
            listening.shutdown()
            thread.join()


def called(command: Mapping[str, object], result: Mapping[str, object]) -> str:
    return json.dumps({"type": "success", "id": command["id"], "result": result})


def test_connection_opens_a_page_in_a_profile_of_its_own_and_closes_it() -> None:
    seen: list[str] = []
    value: dict[str, object] = {"result": {"type": "string", "value": '{"a":[1,2.5,null]}'}}
    with (
        browser(lambda command: called(command, value), seen) as address,
        connected(address) as connection,
    ):
        assert connection.version == "153.7"
        page = connection.open("http://127.0.0.1/")
        assert page.evaluate("(x) => x", {"a": 1}) == {"a": [1, 2.5, None]}
        connection.close(page)
        connection.end()
    assert seen == [
        "session.new", "browser.createUserContext", "browsingContext.create",
        "browsingContext.navigate", "script.callFunction", "browser.removeUserContext",
        "browser.close",
    ]  # fmt: skip


def failure(command: dict[str, object]) -> str:
    details = {"text": "TypeError: bench is undefined"}
    return called(command, {"type": "exception", "exceptionDetails": details})


def refusal(command: dict[str, object]) -> str:
    found = {"error": "unknown command", "message": "script.callFunction\nstack"}
    return json.dumps({"type": "error", "id": command["id"], **found})


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (failure, "the page failed: TypeError: bench is undefined"),
        (refusal, "the page failed: script.callFunction: unknown command: script.callFunction"),
    ],
)
def test_evaluate_that_fails_says_what_the_browser_said(
    said: Callable[[dict[str, object]], str], found: str
) -> None:
    with browser(said, []) as address, connected(address) as connection:
        page = connection.open("http://127.0.0.1/")
        with pytest.raises(BenchError) as caught:
            page.evaluate("() => bench.visit()")
    assert found in str(caught.value)


def test_evaluate_in_a_browser_that_has_ended_says_so() -> None:
    def said(command: dict[str, object]) -> str:
        raise ConnectionError(command["method"])

    with browser(said, []) as address, connected(address) as connection:
        page = connection.open("http://127.0.0.1/")
        with pytest.raises(BenchError, match="the browser has ended"):
            page.evaluate("() => 1")
