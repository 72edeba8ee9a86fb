"""What a watch says, for people: which files changed, what came of it, and that it waits."""

from __future__ import annotations

from collections.abc import Sequence

from modelpack.report.build import build_text, closing_line
from modelpack.report.palette import Palette, plain
from modelpack.report.words import count, one_line
from modelpack.watched import (
    BuildBegan,
    BuildEnded,
    Resting,
    Serving,
    WatchEvent,
    WatchNote,
    WatchTrouble,
)

_MOST_NAMES = 3


def watch_text(  # noqa: PLR0911 (one for each kind of event)
    event: WatchEvent, palette: Palette = plain
) -> str:
    """The lines for the event."""
    match event:
        case Serving(url):
            return f"serving {palette('good', url)}\n"
        case BuildBegan(changed):
            return f"{palette('faint', _changed(changed))}\n" if changed else ""
        case BuildEnded(report):
            if report.status == "unchanged":
                return f"{closing_line(report, palette)}\n"
            return build_text(report, palette)
        case WatchTrouble(error):
            code, _, rest = one_line(error).partition(" ")
            return f"{palette('bad', code)} {rest}\nwhat was published before stays\n"
        case WatchNote(note):
            return f"{palette('faint', 'note')} {one_line(note)}\n"
        case Resting(folders, by):
            how = "watching" if by == "events" else "looking into"
            rest = f"{how} {count(folders, 'folder')}; Ctrl-C stops"
            return f"{palette('faint', rest)}\n"


def _changed(names: Sequence[str]) -> str:
    shown = ", ".join(one_line(name) for name in names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"changed: {shown} and {count(more, 'other file')}" if more > 0 else f"changed: {shown}"
