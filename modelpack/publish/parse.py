"""Bytes → manifest. Whatever is not exactly a manifest of version 1 is refused; unknown fields are ignored.

The loader refuses the same: both read tests/fixtures/hostile_manifests.
"""

from __future__ import annotations

import json

import msgspec

from modelpack.errors import ManifestError
from modelpack.publish.rules import RuleError, check_rules
from modelpack.publish.wire import MANIFEST_VERSION, Manifest
from modelpack.units import MIB

MAX_MANIFEST_BYTES = 32 * MIB  # some 100,000 chunks, 400 GB of weights; more is an attack on memory
_POLLUTING_KEYS = frozenset({"__proto__", "constructor", "prototype"})
_REBUILD = "run `modelpack build` to write it again"


def parse_manifest(content: bytes, where: str = "manifest.json") -> Manifest:
    """The manifest in `content`. Raises: ManifestError MP-E710 saying what was found and expected."""
    try:
        document = _read_json(content)
        _check_version(document)
        manifest = msgspec.convert(document, Manifest)
        check_rules(manifest)
    except (RuleError, msgspec.ValidationError) as err:
        raise _malformed(str(err), where) from err
    return manifest


def _read_json(content: bytes) -> dict[str, object]:
    if len(content) > MAX_MANIFEST_BYTES:
        raise RuleError(f"{len(content)} bytes; a manifest has at most {MAX_MANIFEST_BYTES}")
    if content.lstrip()[:1] == b"<":
        raise RuleError(
            "this is a web page, not a manifest; the server answers unknown names with HTML"
        )
    try:
        document = json.loads(
            content.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except RuleError:
        raise
    except RecursionError as err:
        raise RuleError("nested too deeply") from err
    except ValueError as err:  # also UnicodeDecodeError and JSONDecodeError
        raise RuleError(f"not JSON: {err}") from err
    if not isinstance(document, dict):
        raise RuleError("the document is not an object")
    return document


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object, if each key is there once and none reaches into JavaScript's prototypes."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in _POLLUTING_KEYS:
            raise RuleError(f"the key {json.dumps(key)} is not allowed")
        if key in found:
            raise RuleError(f"the key {json.dumps(key)} is there twice")
        found[key] = value
    return found


def _refuse_constant(word: str) -> float:
    raise RuleError(f"{word} is not a JSON number")


def _check_version(document: dict[str, object]) -> None:
    version = document.get("manifestVersion")
    if type(version) is not int or version != MANIFEST_VERSION:
        raise RuleError(
            f"manifestVersion is {json.dumps(version)}; this modelpack reads {MANIFEST_VERSION}"
        )


def _malformed(message: str, where: str) -> ManifestError:
    return ManifestError("MP-E710", message, where=where, remedy=_REBUILD)
