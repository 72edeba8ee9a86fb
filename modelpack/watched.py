"""What a watch tells while it goes on. JSON of these types is camelCase, one line each."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from modelpack.record import BuildReport


class BuildBegan(Struct, frozen=True, rename="camel", tag_field="event", tag="build"):
    """A build began. `changed` are the files that made it necessary; empty for the first one."""

    changed: tuple[str, ...]


class BuildEnded(Struct, frozen=True, rename="camel", tag_field="event", tag="report"):
    """A build ended, and this came of it."""

    report: BuildReport


class WatchTrouble(Struct, frozen=True, rename="camel", tag_field="event", tag="error"):
    """Nothing could be built at all, as with a broken configuration. What was published before stays."""

    error: str


class WatchNote(Struct, frozen=True, rename="camel", tag_field="event", tag="note"):
    """Something worth knowing that stops nothing."""

    note: str


class Resting(Struct, frozen=True, rename="camel", tag_field="event", tag="waiting"):
    """Everything is as it should be until a file changes. `by`: told by the system, or looking again and again."""

    folders: int
    by: Literal["events", "looking"]


class Serving(Struct, frozen=True, rename="camel", tag_field="event", tag="serving"):
    """The server answers. `token` opens the stream of events: `<url>events?token=<token>`."""

    url: str
    token: str


WatchEvent = Serving | BuildBegan | BuildEnded | WatchTrouble | WatchNote | Resting
