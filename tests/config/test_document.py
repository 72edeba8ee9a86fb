from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelpack.config.document import MAX_FILE_BYTES, read_document
from modelpack.errors import UsageError

NAME = "modelpack.toml"


def refusal(folder: Path, content: bytes) -> str:
    (folder / NAME).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_document(folder / NAME)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"a = 1\n", b"a = 1\r\n", b"\xef\xbb\xbfa = 1", b"# comment\n\na = 1"],
    ids=["unix", "windows", "byte order mark", "comment"],
)
def test_read_document_takes_text_as_editors_save_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert read_document(tmp_path / NAME).tables == {"a": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "a = 1".encode("utf-16"),
            "MP-E103 modelpack.toml: found UTF-16; expected UTF-8 — save the file as UTF-8",
        ),
        (
            b"\n\na = \0",
            "MP-E103 modelpack.toml:3: found a NUL byte; expected text in UTF-8 — save the file as UTF-8",
        ),
        (
            b"a = 'gr\xf6\xdfe'",
            "MP-E103 modelpack.toml:1: found the byte 0xf6; expected text in UTF-8 — save the file as UTF-8",
        ),
        (
            b"\x08\x01\x12\x07pytorch\x1a\xff\xfe",
            "MP-E103 modelpack.toml:1: found the byte 0xff; expected text in UTF-8 — save the file as UTF-8",
        ),
        (b"#" * (MAX_FILE_BYTES + 1), "MP-E103 modelpack.toml: the file is larger than 1 MiB"),
        (
            b"a = 1\na = 2\n",
            "MP-E110 modelpack.toml:2:6: not valid TOML: Cannot overwrite a value — a key is written twice; keep one of them",
        ),
        (
            b"b = 1\na =",
            'MP-E110 modelpack.toml:2: not valid TOML: Invalid value — write text in quotes, = "text", and true and false in lower case',
        ),
        (
            b'a = "models\\vad.onnx"',
            "MP-E110 modelpack.toml:1:14: not valid TOML: Unescaped '\\' in a string — write paths with / in place of \\",
        ),
        (b"a = " + b"9" * 5000, "MP-E110 modelpack.toml: a number is too long"),
        (
            b"a" + b".a" * 33 + b" = 1",
            "MP-E110 modelpack.toml:1: nested deeper than 32 levels — flatten it",
        ),
        (
            b"\n[a" + b".a" * 300_000 + b"]",
            "MP-E110 modelpack.toml:2: nested deeper than 32 levels — flatten it",
        ),
        (
            b"a = " + b"[" * 33 + b"]" * 33,
            "MP-E110 modelpack.toml: nested deeper than 32 levels — flatten it",
        ),
        (
            b"a = " + b"[" * 500_000,
            "MP-E110 modelpack.toml: nested deeper than 32 levels — flatten it",
        ),
        (
            b"a = " + b"{a = " * 100_000,
            "MP-E110 modelpack.toml: nested deeper than 32 levels — flatten it",
        ),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:60],
)
def test_read_document_refuses_what_is_no_toml(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert refusal(tmp_path, content) == message


def test_read_document_takes_32_levels(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"a" + b".a" * 31 + b" = 1")
    read_document(tmp_path / NAME)


def test_read_document_takes_exactly_one_mebibyte(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"#" * MAX_FILE_BYTES)
    assert read_document(tmp_path / NAME).tables == {}


def test_read_document_reads_no_more_than_it_takes(tmp_path: Path) -> None:
    with (tmp_path / NAME).open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(UsageError, match="the file is larger than 1 MiB"):
        read_document(tmp_path / NAME)


def test_read_document_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_document(tmp_path / NAME)
    assert (
        str(caught.value)
        == "MP-E103 modelpack.toml: the file cannot be read: No such file or directory"
    )


def test_read_document_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="found something that is not a regular file"):
        read_document(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no named pipes")
def test_read_document_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(UsageError, match="found something that is not a regular file"):
        read_document(tmp_path / NAME)
