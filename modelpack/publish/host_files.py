"""The file that tells a host how to serve the pack: `_headers`, `vercel.json`, or a snippet for nginx. Pure: text to text.

1. Chunks never change under their names and may be kept for ever; `manifest.json` is asked for again each time.
2. What other people wrote into the file stays: ours is between two marks, or, in JSON, the entries for our addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from modelpack.errors import StoreError, UsageError
from modelpack.publish.folder import MANIFEST_FILE
from modelpack.publish.wire import CHUNK_FOLDER
from modelpack.spec import Host, OutputSettings

_BEGIN: Final = "# modelpack: written by each build, from here"
_END: Final = "# modelpack: to here"
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK: Final = "no-cache"
_KEY: Final = "Cache-Control"
# Folders whose content hosts and bundlers serve from the top of the site.
_ROOTS: Final = frozenset({"public", "static", "dist", "build", "www", "site"})


def host_file_text(output: OutputSettings, before: str | None) -> str:
    """The content of the declared host file, `before` being what is in it now.

    Raises: UsageError MP-E113 if the host has no such file, StoreError MP-E702 if it is not what it should be.
    """
    write = _WRITERS.get(output.host)
    if write is None:
        named = ", ".join(sorted(_WRITERS))
        raise UsageError(
            "MP-E113",
            f"{output.host} has no such file; expected output.host to be one of {named}",
            where="output.host_file",
            remedy="remove host_file, or name the host",
        )
    return write(address(output.path), before or "")


def address(folder: Path) -> str:
    """Where the folder is on the site, `/models`: its path below the last folder that is served as the top."""
    parts = folder.parts[1:] if folder.is_absolute() else folder.parts
    tops = [index for index, part in enumerate(parts) if part in _ROOTS]
    below = parts[tops[-1] + 1 :] if tops else parts[-1:]
    return "".join(f"/{part}" for part in below)


def _headers(prefix: str, before: str) -> str:
    lines = (
        f"{prefix}/{CHUNK_FOLDER}/*",
        f"  {_KEY}: {_FOREVER}",
        f"{prefix}/{MANIFEST_FILE}",
        f"  {_KEY}: {_ASK}",
    )
    return _between_marks("\n".join(lines), before)


def _nginx(prefix: str, before: str) -> str:
    return _between_marks(
        f"""\
location {prefix}/{CHUNK_FOLDER}/ {{
  gzip_static on;
  # brotli_static on;  # with the module ngx_brotli
  default_type application/octet-stream;
  add_header {_KEY} "{_FOREVER}";
}}
location = {prefix}/{MANIFEST_FILE} {{
  add_header {_KEY} "{_ASK}";
}}""",
        before,
    )


def _vercel(prefix: str, before: str) -> str:
    try:
        content = json.loads(before or "{}")
        entries = list(content.get("headers", ()))
        others = [entry for entry in entries if entry["source"] not in _sources(prefix)]
    except (ValueError, AttributeError, TypeError, KeyError) as err:
        raise StoreError(
            "MP-E702",
            f"is no configuration of Vercel ({err})",
            where="vercel.json",
            remedy="correct it, or remove output.host_file",
        ) from err
    values = zip(_sources(prefix), (_FOREVER, _ASK), strict=True)
    ours = [
        {"source": source, "headers": [{"key": _KEY, "value": value}]} for source, value in values
    ]
    return json.dumps({**content, "headers": [*others, *ours]}, indent=2, ensure_ascii=False) + "\n"


def _sources(prefix: str) -> tuple[str, str]:
    return (f"{prefix}/{CHUNK_FOLDER}/(.*)", f"{prefix}/{MANIFEST_FILE}")


def _between_marks(ours: str, before: str) -> str:
    block = f"{_BEGIN}\n{ours}\n{_END}\n"
    marked = re.compile(
        rf"^{re.escape(_BEGIN)}$.*?^{re.escape(_END)}$\n?", re.DOTALL | re.MULTILINE
    )
    if marked.search(before):
        return marked.sub(lambda _: block, before, count=1)
    gap = "\n" if before and not before.endswith("\n") else ""
    return f"{before}{gap}{block}"


_WRITERS: Final[dict[Host, Callable[[str, str], str]]] = {
    "netlify": _headers,
    "cloudflare-pages": _headers,
    "vercel": _vercel,
    "nginx": _nginx,
}
