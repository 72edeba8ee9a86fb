"""The pin of a pickle of weights: what can run code when it is read is one thing, and no other."""

from __future__ import annotations

from collections.abc import Mapping

from modelpack.digest import digest_bytes
from modelpack.errors import SourceError
from modelpack.sources.checkpoint import PICKLE, pickles_of
from modelpack.spec.sources import CheckpointSource


def check_pickles(source: CheckpointSource, digests: Mapping[str, str]) -> None:
    """Nothing, where the checkpoint has no pickle, or the one that is pinned. `digests` are SHA-256 by name.

    Of shards, the pin is what `sha256sum pytorch_model-*.bin | sha256sum` prints.

    Raises: SourceError MP-E241 if it is another one.
    """
    names = pickles_of(source.files)
    if not names:
        return
    digest, found = digests[names[0]], "the pickle's SHA-256"
    if names != (PICKLE,):
        lines = (f"{digests[name]}  {name}\n" for name in names)
        digest, found = digest_bytes("".join(lines).encode()), "the SHA-256 of all shards"
    if digest != source.pickle_sha256:
        raise SourceError(
            "MP-E241",
            f"{found} is {digest}; expected {source.pickle_sha256}",
            where=str(source.folder / names[0]),
            remedy="if you trust it, set `sha256` to that",
        )
