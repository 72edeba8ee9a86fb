"""Reading .npz files from outside: nothing is unpickled, and nothing is unpacked before its size is known."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from modelpack.errors import StepError
from modelpack.graph.sessions import Array
from modelpack.units import format_size

LIMIT_BYTES = (
    1 << 30
)  # unpacked; a golden set is read as a whole, and more than this would not evaluate in an hour
_SUFFIX = ".npy"


class ArrayFile:
    """An open .npz file."""

    def __init__(self, archive: zipfile.ZipFile, where: str) -> None:
        self._archive = archive
        self._where = where

    @staticmethod
    @contextmanager
    def open(path: Path) -> Iterator[ArrayFile]:
        """The file at `path`, open.

        Raises: StepError MP-E501 if it is no .npz file, or would unpack to more than LIMIT_BYTES.
        """
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, EOFError) as err:
            raise StepError(
                "MP-E501",
                f"not an .npz file ({err})",
                where=path.name,
                remedy="write it with numpy.savez",
            ) from err
        with archive:
            _check_size(archive, path.name)
            yield ArrayFile(archive, path.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its arrays, in the order of the file."""
        names = self._archive.namelist()
        return tuple(name.removesuffix(_SUFFIX) for name in names)

    def read(self, name: str) -> Array:
        """The array of that name, in this machine's byte order.

        Raises: StepError MP-E501 if it is damaged, or made of Python objects.
        """
        entry = self._archive.getinfo(name + _SUFFIX)
        try:
            with self._archive.open(entry) as stream:
                _check_header(cast("BinaryIO", stream), entry.file_size)
            with self._archive.open(entry) as stream:
                array = np.lib.format.read_array(stream, allow_pickle=False)
        except (ValueError, EOFError, zipfile.BadZipFile, NotImplementedError) as err:
            raise StepError(
                "MP-E501",
                f'array "{name}" cannot be read ({str(err).splitlines()[0]})',
                where=self._where,
                remedy="write plain numbers with numpy.savez; arrays of objects are not read",
            ) from err
        return np.asarray(array, array.dtype.newbyteorder("="))


def _check_size(archive: zipfile.ZipFile, where: str) -> None:
    size_bytes = sum(entry.file_size for entry in archive.infolist())
    if size_bytes > LIMIT_BYTES:
        raise StepError(
            "MP-E501",
            f"unpacks to {format_size(size_bytes)}; at most {format_size(LIMIT_BYTES)} are read",
            where=where,
            remedy="keep fewer samples",
        )


def _check_header(stream: BinaryIO, size_bytes: int) -> None:
    """Raises: ValueError if the header promises more bytes than follow it: they would be allocated first."""
    version = np.lib.format.read_magic(stream)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != size_bytes - stream.tell():
        raise ValueError(f"its header says {dtype} {shape}, its bytes do not")
