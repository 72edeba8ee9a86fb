"""The keys of [compatibility]: how it is made sure that variants run where they are meant to."""

from __future__ import annotations

from modelpack.config.containers import Key, Table, Values
from modelpack.config.flag_field import FlagOrAuto
from modelpack.spec.project import TriedInBrowser

BROWSER = Key(
    "browser",
    FlagOrAuto(),
    'Run each variant once in a real browser before it is published: "auto" where Playwright, Chromium and onnxruntime-web are installed; true fails where it cannot be run, or not on its device; false never.',
    default="auto",
)
COMPATIBILITY = Key(
    "compatibility",
    Table("compatibility", (BROWSER,)),
    "How a build makes sure that variants run where they are meant to; docs/compatibility.md.",
)


def tried_in_browser(compatibility: Values) -> TriedInBrowser:
    """Whether variants are run in a browser."""
    wanted = compatibility.value(BROWSER)
    if wanted == "auto":
        return "auto"
    return "always" if wanted else "never"
