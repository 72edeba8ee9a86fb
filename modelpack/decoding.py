"""Encoded chunks back as plain bytes. Used where a form is made, and wherever a published one is checked.

Lies below the steps and is not part of their keys: decoding changes no bytes that anybody stores.
"""

from __future__ import annotations

import zlib

import brotli
import zstandard

from modelpack.spec.project import Form

_GZIP = 16 + zlib.MAX_WBITS


class DecodingError(ValueError):
    """The bytes are not the encoded form of so many plain bytes."""


def decode(form: Form, content: bytes, size_bytes: int) -> bytes:
    """The plain bytes, at most `size_bytes` of them: a few encoded bytes must not fill the memory.

    Raises: DecodingError if the bytes are damaged, cut off, followed by others, or decode to another size.
    """
    try:
        plain = _DECODERS[form](content, size_bytes)
    except (zlib.error, brotli.error, zstandard.ZstdError) as err:
        raise DecodingError(f"not {form}: {err}") from err
    if len(plain) != size_bytes:
        raise DecodingError(f"decodes to {len(plain)} bytes, expected {size_bytes}")
    return plain


def _gzip(content: bytes, size_bytes: int) -> bytes:
    decoder = zlib.decompressobj(_GZIP)
    plain = decoder.decompress(content, size_bytes + 1)
    if len(plain) <= size_bytes and (not decoder.eof or decoder.unused_data):
        raise DecodingError("gzip data is cut off or followed by other bytes")
    return plain


def _zstd(content: bytes, size_bytes: int) -> bytes:
    if zstandard.frame_content_size(content) != size_bytes:
        raise DecodingError("the zstd frame states another size")
    return zstandard.ZstdDecompressor().decompress(
        content, max_output_size=size_bytes, allow_extra_data=False
    )


def _brotli(content: bytes, size_bytes: int) -> bytes:
    decoder = brotli.Decompressor()
    blocks = [decoder.process(content, output_buffer_limit=size_bytes + 1)]
    while not decoder.is_finished() and sum(map(len, blocks)) <= size_bytes:
        block = decoder.process(b"", output_buffer_limit=size_bytes + 1)
        if not block and decoder.can_accept_more_data():
            raise DecodingError("brotli data is cut off")
        blocks.append(block)
    return b"".join(blocks)


_DECODERS = {"gzip": _gzip, "zstd": _zstd, "br": _brotli}
