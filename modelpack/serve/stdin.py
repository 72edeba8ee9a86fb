"""Whether whoever started us is still there: programs such as `concurrently` end a child by closing its stdin.

Only a pipe or a socket counts (Node makes sockets). A terminal is somebody at work, and /dev/null, as containers and
background shells give it, says nothing at all.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from threading import Thread

_BLOCK_BYTES = 4096


def when_closed(descriptor: int, then: Callable[[], None]) -> bool:
    """Whether the descriptor can be closed by somebody else. If so, `then` is called in a thread when that happens."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return False
    Thread(target=_wait, args=(descriptor, then), daemon=True).start()
    return True


def _wait(descriptor: int, then: Callable[[], None]) -> None:
    try:
        while os.read(descriptor, _BLOCK_BYTES):
            pass
    except OSError:
        pass  # reset by the other side: as good as closed
    then()
