from __future__ import annotations

import random
from typing import get_args

import pytest

from modelpack.decoding import DecodingError, decode
from modelpack.spec.project import Form
from modelpack.steps.compress import encode

FORMS = get_args(Form)
CONTENT = b"a page of text, " * 5000


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("content", [b"", b"x", CONTENT, random.Random(0).randbytes(100_000)])
def test_decode_encoded_content_is_the_content(form: Form, content: bytes) -> None:
    assert decode(form, encode(form, 5, content), len(content)) == content


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size_bytes", [0, 1, len(CONTENT) - 1, len(CONTENT) + 1])
def test_decode_other_size_than_expected_is_refused(form: Form, size_bytes: int) -> None:
    with pytest.raises(DecodingError):
        decode(form, encode(form, 5, CONTENT), size_bytes)


@pytest.mark.parametrize("form", FORMS)
def test_decode_cut_off_content_is_refused(form: Form) -> None:
    encoded = encode(form, 5, CONTENT)

    for length in (0, 1, 5, len(encoded) // 2, len(encoded) - 1):
        with pytest.raises(DecodingError):
            decode(form, encoded[:length], len(CONTENT))


@pytest.mark.parametrize("form", FORMS)
def test_decode_content_followed_by_other_bytes_is_refused(form: Form) -> None:
    with pytest.raises(DecodingError):
        decode(form, encode(form, 5, CONTENT) + b"\0", len(CONTENT))


@pytest.mark.parametrize("form", FORMS)
def test_decode_page_of_html_is_refused(form: Form) -> None:
    with pytest.raises(DecodingError):
        decode(form, b"<!doctype html><title>Not found</title>", 100)
