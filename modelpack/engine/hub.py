"""The Hugging Face hub through its own client: what a repository has at a revision, and single files of it.

1. The client keeps its own cache, which transformers shares; it resumes, follows HF_HUB_OFFLINE, HF_HOME and HF_ENDPOINT,
   and reads the token. We never see the token, and say nothing that came from a server.
2. A commit and a digest decide what a file is; a branch is asked for only by `list_repository`.
3. huggingface_hub is imported when something is asked of the hub, and never in a build that has everything.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from types import ModuleType
from typing import TypeVar

from msgspec import Struct

from modelpack.digest import digest_file
from modelpack.errors import ModelpackError, SourceError, SourceUnreachableError, StepError
from modelpack.sources.download import Progress
from modelpack.spec.sources import HubSource, PinnedFile

T = TypeVar("T")

ATTEMPTS = 4
_LONGEST_PAUSE_S = 60.0
_POLL_S = 0.2
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_REMEDIES = {  # by the client's own classes of errors, the narrowest first
    "GatedRepoError": (
        "the repository is gated",
        "accept its terms on the hub, and log in with `hf auth login` or HF_TOKEN",
    ),
    "RepositoryNotFoundError": (
        "no such repository, or a private one",
        "check its name; for a private one, log in with `hf auth login` or HF_TOKEN",
    ),
    "RevisionNotFoundError": ("no such revision", "name a branch, a tag or a commit"),
    "RemoteEntryNotFoundError": ("no such file", "run `modelpack lock --update`"),
}
_GAVE_UP = "LocalEntryNotFoundError"  # after attempts of its own
_SETTINGS = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_SYMLINKS_WARNING": "1",
}


class Listed(Struct, frozen=True):
    """A file of a repository. `sha256` is None for small files, of which the hub tells another digest."""

    name: str
    size_bytes: int
    sha256: str | None


class Listing(Struct, frozen=True):
    """What a repository has at a commit."""

    commit: str
    files: tuple[Listed, ...]


class HubFile(Struct, frozen=True):
    """A file of a repository at a commit."""

    repo: str
    commit: str
    name: str
    size_bytes: int
    sha256: str | None = None


def list_repository(source: HubSource) -> Listing:
    """The commit that the source's revision is now, and the files it has. Raises: SourceUnreachableError MP-E240."""
    hub = _client()
    info = _patiently(
        lambda: hub.HfApi().model_info(
            source.repo, revision=source.revision, files_metadata=True, timeout=30
        ),
        source.text,
    )
    return Listing(
        info.sha or "",
        tuple(
            Listed(file.rfilename, file.size or 0, file.lfs["sha256"] if file.lfs else None)
            for file in info.siblings or ()
        ),
    )


def hub_file(source: HubSource, file: PinnedFile) -> HubFile:
    """The file of the source, as it is locked."""
    return HubFile(source.repo, source.commit, file.name, file.size_bytes, file.sha256)


def fetch_from_hub(file: HubFile, progress: Progress) -> Path:
    """Where the file lies in the client's own cache, downloaded unless it does already. It is not to be changed.

    Raises: SourceUnreachableError MP-E240 if it cannot be had, SourceError MP-E241 if it is another than was locked.
    """
    hub = _client()
    where = f"hf:{file.repo}/{file.name}@{file.commit[:12]}"
    blobs = Path(hub.constants.HF_HUB_CACHE) / f"models--{file.repo.replace('/', '--')}" / "blobs"
    with _watched(blobs, file.size_bytes, progress):
        found = _patiently(
            lambda: Path(hub.hf_hub_download(file.repo, file.name, revision=file.commit)), where
        )
    if file.sha256 is not None and (digest := digest_file(found)) != file.sha256:
        found.resolve().unlink()  # else the client would give it again
        found.unlink(missing_ok=True)
        raise SourceError(
            "MP-E241",
            f"the file's SHA-256 is {digest}; expected {file.sha256}",
            where=where,
            remedy="run it again; if that does not help, `modelpack lock --update`",
        )
    return found


def _client() -> ModuleType:
    """huggingface_hub, silenced. Raises: StepError MP-E404 without it."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import huggingface_hub  # noqa: PLC0415 (rule 3)
        import huggingface_hub.constants  # noqa: PLC0415
        import huggingface_hub.utils  # noqa: PLC0415
    except ImportError as err:
        raise StepError(
            "MP-E404",
            "sources on the hub need huggingface_hub",
            remedy="pip install 'modelpack[hub]'",
        ) from err
    huggingface_hub.utils.logging.set_verbosity(logging.CRITICAL)  # what it warns of, it retries
    return huggingface_hub


def _patiently(ask: Callable[[], T], where: str) -> T:
    for attempt in range(ATTEMPTS):
        try:
            return ask()
        except Exception as err:  # noqa: BLE001 (the client's two generations share no base class but this)
            pause_s = _pause_s(err, attempt)
            if pause_s is None or attempt == ATTEMPTS - 1:
                raise _refused(err, where) from None  # its text may hold what a server said
            time.sleep(pause_s)
    raise AssertionError  # the loop returns or raises


def _pause_s(err: Exception, attempt: int) -> float | None:
    """How long to wait before the next attempt; None where another would end the same way."""
    if _is_offline() or _known(err) is not None or type(err).__name__ == _GAVE_UP:
        return None
    answer = getattr(err, "response", None)
    status = getattr(answer, "status_code", None)
    if status is not None and status not in _LATER:
        return None
    after = str(getattr(answer, "headers", {}).get("Retry-After", ""))
    return min(float(after) if after.isdecimal() else 2.0**attempt, _LONGEST_PAUSE_S)


def _refused(err: Exception, where: str) -> ModelpackError:
    if _is_offline():
        return SourceUnreachableError(
            "MP-E240",
            "HF_HUB_OFFLINE is set, and the file is not in the cache",
            where=where,
            remedy="run `modelpack build` once with a connection",
        )
    found, remedy = _known(err) or (_reason(err), "check the connection; what arrived is kept")
    return SourceUnreachableError("MP-E240", found, where=where, remedy=remedy)


def _known(err: Exception) -> tuple[str, str] | None:
    names = {kind.__name__ for kind in type(err).__mro__}
    if "EntryNotFoundError" in names and "LocalEntryNotFoundError" not in names:
        names.add("RemoteEntryNotFoundError")  # as later versions have it
    return next((said for name, said in _REMEDIES.items() if name in names), None)


def _reason(err: Exception) -> str:
    cause = err.__cause__ or err
    status = getattr(getattr(cause, "response", None), "status_code", None)
    return f"HTTP {status}" if status else f"no whole answer ({type(cause).__name__})"


def _is_offline() -> bool:
    from huggingface_hub import constants  # noqa: PLC0415 (rule 3)

    return bool(constants.HF_HUB_OFFLINE)


@contextmanager
def _watched(blobs: Path, size_bytes: int, progress: Progress) -> Iterator[None]:
    """Tells how much of a file has arrived: the client's own bars take different hooks in each generation."""
    is_over = Event()

    def watch() -> None:
        while not is_over.wait(_POLL_S):
            parts = [part.stat().st_size for part in blobs.glob("*.incomplete") if part.exists()]
            if parts:
                progress(min(max(parts), size_bytes), size_bytes)

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
