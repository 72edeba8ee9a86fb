"""A key path as TOML writes it → its keys: the inverse of `place.spell`."""

from __future__ import annotations

import sys

from modelpack.config.place import Keys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def parse_key_path(text: str) -> Keys:
    """The keys of a path without indexes: `models."t5.encoder".budget` → ("models", "t5.encoder", "budget").

    Raises: ValueError if it is none.
    """
    value: object = tomllib.loads(f"{text} = 0")
    keys: list[str] = []
    while isinstance(value, dict):
        ((key, value),) = value.items()
        keys.append(key)
    return tuple(keys)
