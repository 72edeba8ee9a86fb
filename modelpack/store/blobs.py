"""Content under its own name.

The rules of the blob store:

1. The id of a blob is the SHA-256 of its bytes; it lies at `ab/abcd…` under the root, read-only, a regular file with one name.
2. A blob appears whole or not at all, and is never written to afterwards. A good blob is never replaced.
3. Bytes that leave the store through `read_bytes` or `materialise` were hashed on the way. `path` alone promises
   nothing about content: who reads through it must check, or must be able to live with a lie.
4. What is at a blob's place and is not the blob (cut, flipped, a link, a pipe, a folder) goes to `quarantine/`
   as soon as it is noticed, and counts as absent from then on, also where it cannot be moved.
5. Nothing outside shares bytes with the store through a link: blobs leave as reflinks or copies.
6. The fallback, if any, is only ever read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from modelpack.digest import digest_bytes, digest_file, digest_stream
from modelpack.errors import StoreError
from modelpack.store.atomic import part_file, part_path, sync_file, sync_stream, writing
from modelpack.store.quarantine import Quarantine
from modelpack.store.reflink import reflink
from modelpack.store.regular import is_ours, open_ours, open_regular
from modelpack.store.removal import remove_tree

_DIGEST = re.compile(r"[0-9a-f]{64}")
_BLOCK_BYTES = 1 << 20
_MODE = 0o444
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}  # says nothing about the blob


class Blobs:
    """The blobs under `root`, and, for reading only, those of `fallback`. Safe to share between threads and processes."""

    def __init__(self, root: Path, fallback: Blobs | None = None) -> None:
        self.root = root
        self.fallback = fallback
        self.quarantine = Quarantine(root / "quarantine")
        self._condemned: set[str] = set()  # corrupt, and the system would not let us move them

    def has(self, digest: str) -> bool:
        """Whether a file of ours is at the blob's place. Its content is checked when it is read."""
        return self._has_own(digest) or (self.fallback is not None and self.fallback.has(digest))

    def path(self, digest: str) -> Path:
        """Where the blob lies. Raises: StoreError MP-E701 if it is absent."""
        return self._home(digest).place(digest)

    def place(self, digest: str) -> Path:
        """Where a blob of that digest would lie under this root."""
        return self.root / digest[:2] / digest

    def put_file(self, path: Path) -> tuple[str, int]:
        """Digest and size of the file, which is now a blob.

        1. A file in the store's own directory (a scratch folder) is moved: it is gone from its place afterwards.
        2. Any other file, one with a second name, and one on another file system, is copied and stays.

        Raises: StoreError MP-E702 if the system refuses, or if `path` is no regular file.
        """
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            return self._move_in(path) if self._may_move(path) else self._copy_in(path)

    def put_bytes(self, content: bytes) -> str:
        """The digest of `content`, which is now a blob. Raises: StoreError MP-E702 if the system refuses."""
        digest = digest_bytes(content)
        with writing(self.place(digest)):
            if not self._is_stored(digest):
                with part_file(self.place(digest).parent) as (stream, part):
                    stream.write(content)
                    sync_stream(stream)
                    stream.close()
                    self._install(part, digest)
        return digest

    def read_bytes(self, digest: str) -> bytes:
        """The verified content. Raises: StoreError MP-E701 if the blob is absent or was corrupt."""
        return b"".join(self._home(digest)._verified(digest))  # noqa: SLF001 - the same class

    def materialise(self, digest: str, destination: Path) -> None:
        """`destination` is a private, verified copy of the blob; what was there before is replaced.

        Raises: StoreError MP-E701 if the blob is absent or was corrupt, MP-E702 if the copy cannot be written.
        """
        home = self._home(digest)
        with writing(destination), part_path(destination.parent) as part:
            home._copy_out(digest, part)  # noqa: SLF001 - the same class
            part.replace(destination)

    def discard(self, digest: str) -> None:
        """The blob is gone from this root, if it was there. The fallback keeps its own."""
        if _DIGEST.fullmatch(digest):
            remove_tree(self.place(digest))

    def verify(self, digest: str) -> bool:
        """Whether this root's own blob is there and good; if it is bad, it is in quarantine now."""
        try:
            for _ in self._verified(digest):
                pass
        except StoreError as error:
            if error.code != "MP-E701":
                raise
            return False
        return True

    def _home(self, digest: str) -> Blobs:
        if self._has_own(digest):
            return self
        if self.fallback is not None and self.fallback.has(digest):
            return self.fallback._home(digest)  # noqa: SLF001 - the same class
        raise self._absent(digest)

    def _has_own(self, digest: str) -> bool:
        if digest in self._condemned or not _DIGEST.fullmatch(digest):
            return False
        try:
            return is_ours(os.lstat(f"{self.root}/{digest[:2]}/{digest}"))
        except OSError:
            return False

    def _verified(self, digest: str) -> Iterator[bytes]:
        """This root's own blob in blocks. Who reads to the end without an error has read the blob.

        Raises: StoreError MP-E701 if it is absent or corrupt, MP-E703 if the system is out of means to open it.
        """
        hasher = hashlib.sha256()
        with self._open(digest) as stream:
            while block := self._read(digest, stream):
                hasher.update(block)
                yield block
        if (found := hasher.hexdigest()) != digest:
            raise self._condemn(digest, f"its digest is {found}")

    def _open(self, digest: str) -> BinaryIO:
        try:
            return open_ours(self.place(digest))
        except FileNotFoundError:
            raise self._absent(digest) from None
        except OSError as refusal:
            if refusal.errno in _EXHAUSTED:
                raise _exhausted(self.place(digest), refusal) from refusal
            raise self._condemn(digest, refusal.strerror or str(refusal)) from refusal

    def _read(self, digest: str, stream: BinaryIO) -> bytes:
        try:
            return stream.read(_BLOCK_BYTES)
        except OSError as refusal:
            raise self._condemn(digest, refusal.strerror or str(refusal)) from refusal

    def _copy_out(self, digest: str, part: Path) -> None:
        if not _cloned(self.place(digest), part):
            with part.open("wb") as stream:
                stream.writelines(self._verified(digest))
        elif (found := digest_file(part)) != digest:
            raise self._condemn(digest, f"its digest is {found}")

    def _absent(self, digest: str) -> StoreError:
        if _DIGEST.fullmatch(digest) and os.path.lexists(self.place(digest)):
            return self._condemn(digest, "something else is in its place")
        return StoreError(
            "MP-E701",
            f"the blob {digest} is not stored",
            where=str(self.root),
            remedy="run the command again to rebuild it",
        )

    def _condemn(self, digest: str, found: str) -> StoreError:
        """The error to raise; what is at the blob's place is in quarantine now and counts as absent."""
        # Another process may have noticed as well and stored the blob again; what is good now stays.
        if not self._is_good(digest) and not self.quarantine.take(self.place(digest)):
            self._condemned.add(digest)
        return StoreError(
            "MP-E701",
            f"the stored blob is corrupt: {found}",
            where=str(self.place(digest)),
            remedy="it was set aside; run the command again to rebuild it",
        )

    def _is_good(self, digest: str) -> bool:
        try:
            with open_ours(self.place(digest)) as stream:
                return digest_stream(stream)[0] == digest
        except OSError:
            return False

    def _may_move(self, path: Path) -> bool:
        status = path.lstat()
        root, place = self.root.resolve(), path.resolve()
        return (
            is_ours(status)
            and status.st_dev == root.stat().st_dev
            and place.is_relative_to(root.parent)
            and not place.is_relative_to(root)
        )

    def _move_in(self, path: Path) -> tuple[str, int]:
        with open_ours(path) as stream:
            digest, size_bytes = digest_stream(stream)
        if self._is_stored(digest):
            path.unlink()
        else:
            sync_file(path)
            self._install(path, digest)
        return digest, size_bytes

    def _copy_in(self, path: Path) -> tuple[str, int]:
        with open_regular(path) as source, part_file(self.root) as (stream, part):
            digest, size_bytes = _pour(source, stream)
            if not self._is_stored(digest):
                sync_stream(stream)
                stream.close()
                self._install(part, digest)
        return digest, size_bytes

    def _is_stored(self, digest: str) -> bool:
        """Whether the blob is here or in the fallback, and good: a corrupt one must not survive being made again."""
        if self.verify(digest):
            # Younger again, so that a concurrent garbage collection leaves it until a record names it.
            with suppress(OSError):
                os.utime(self.place(digest))
            self._condemned.discard(digest)
            return True
        return self.fallback is not None and self.fallback._is_stored(digest)  # noqa: SLF001

    def _install(self, part: Path, digest: str) -> None:
        if sys.platform != "win32":  # there, a read-only file could never be deleted again
            part.chmod(_MODE)
        os.utime(part)  # a moved file may be older than the grace period of garbage collection
        self.place(digest).parent.mkdir(parents=True, exist_ok=True)
        try:
            part.replace(self.place(digest))
        except PermissionError:
            # On Windows a file that another process has open cannot be replaced; it is the same blob.
            if not self._has_own(digest):
                raise
        self._condemned.discard(digest)


def _cloned(source: Path, destination: Path) -> bool:
    try:
        reflink(source, destination)
    except OSError:
        return False
    return True


def _pour(source: BinaryIO, destination: BinaryIO) -> tuple[str, int]:
    """Digest and size of what was left in `source` and is in `destination` now."""
    hasher = hashlib.sha256()
    size_bytes = 0
    while block := source.read(_BLOCK_BYTES):
        hasher.update(block)
        destination.write(block)
        size_bytes += len(block)
    return hasher.hexdigest(), size_bytes


def _exhausted(place: Path, refusal: OSError) -> StoreError:
    return StoreError(
        "MP-E703",
        f"cannot be opened: {refusal.strerror}",
        where=str(place),
        remedy="close other programs or raise the limit (`ulimit -n`), then run the command again",
    )
