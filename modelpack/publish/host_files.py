"""The file that tells a host how to serve the pack: `_headers`, `vercel.json`, or a snippet for nginx. Pure: text to text.

1. What never changes under its name may be kept for ever; `manifest.json` is asked for again each time.
2. What other people wrote into the file stays: ours is between two marks, or, in JSON, the entries for our addresses.
3. A file that nobody named is ours only if it is missing or has such a part.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from modelpack.errors import StoreError, UsageError
from modelpack.publish.folder import MANIFEST_FILE
from modelpack.publish.wire import CHUNK_FOLDER
from modelpack.spec.project import Host, HostFile

_BEGIN: Final = "# modelpack: written by each build, from here"
_END: Final = "# modelpack: to here"
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK: Final = "no-cache"
_KEY: Final = "Cache-Control"
_MARKED: Final = re.compile(
    rf"^{re.escape(_BEGIN)}$.*?^{re.escape(_END)}$\n?", re.DOTALL | re.MULTILINE
)


def host_file_text(host: Host, file: HostFile, before: str | None) -> str:
    """The content of the host file, `before` being what is in it now.

    Raises: UsageError MP-E113 if the host has no such file, StoreError MP-E702 if it is not what it should be.
    """
    write = _WRITERS.get(host)
    if write is None:
        named = ", ".join(sorted(_WRITERS))
        raise UsageError(
            "MP-E113",
            f"{host} has no such file; expected output.host to be one of {named}",
            where="output.host_file",
            remedy="remove host_file, or name the host",
        )
    return write(file.address, before or "")


def is_left_alone(host: Host, file: HostFile, before: str | None) -> bool:
    """Whether the file is somebody else's: nobody named it, and it has no part of ours."""
    if file.is_named or before is None:
        return False
    if host != "vercel":
        return _MARKED.search(before) is None
    try:
        found = {entry["source"] for entry in json.loads(before)["headers"]}
    except (ValueError, TypeError, KeyError):
        return True
    return found.isdisjoint(_caching(file.address))


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
location ~ ^{re.escape(prefix)}/manifest\\.[0-9a-f]+\\.json$ {{
  add_header {_KEY} "{_FOREVER}";
}}
location = {prefix}/{MANIFEST_FILE} {{
  add_header {_KEY} "{_ASK}";
}}""",
        before,
    )


def _vercel(prefix: str, before: str) -> str:
    rules = _caching(prefix)
    try:
        content = json.loads(before or "{}")
        entries = list(content.get("headers", ()))
        others = [entry for entry in entries if entry["source"] not in rules]
    except (ValueError, AttributeError, TypeError, KeyError) as err:
        raise StoreError(
            "MP-E702",
            f"is no configuration of Vercel ({err})",
            where="vercel.json",
            remedy="correct it, or write host_file = false",
        ) from err
    ours = [
        {"source": source, "headers": [{"key": _KEY, "value": value}]}
        for source, value in rules.items()
    ]
    return json.dumps({**content, "headers": [*others, *ours]}, indent=2, ensure_ascii=False) + "\n"


def _caching(prefix: str) -> Mapping[str, str]:
    return {
        f"{prefix}/{CHUNK_FOLDER}/(.*)": _FOREVER,
        f"{prefix}/manifest.([0-9a-f]+).json": _FOREVER,
        f"{prefix}/{MANIFEST_FILE}": _ASK,
    }


def _between_marks(ours: str, before: str) -> str:
    block = f"{_BEGIN}\n{ours}\n{_END}\n"
    if _MARKED.search(before):
        return _MARKED.sub(lambda _: block, before, count=1)
    gap = "\n" if before and not before.endswith("\n") else ""
    return f"{before}{gap}{block}"


_WRITERS: Final[dict[Host, Callable[[str, str], str]]] = {
    "netlify": _headers,
    "cloudflare-pages": _headers,
    "vercel": _vercel,
    "nginx": _nginx,
}
