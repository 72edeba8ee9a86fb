"""What each host does with files: whether it negotiates encodings, and the largest file it takes."""

from __future__ import annotations

from msgspec import Struct

from modelpack.errors import UsageError
from modelpack.publish.wire import ManifestChunk, Mode
from modelpack.spec import Form, Host
from modelpack.units import MIB, format_size
from modelpack.wire import TRANSPORT_HOSTS

# As the documentation of the hosts states them. None: no limit that a chunk of at most 16 MiB could meet.
FILE_LIMIT_BYTES: dict[Host, int | None] = {
    "static": None,  # an unknown host has unknown limits
    "cloudflare-pages": 25 * MIB,  # "Limits" of Cloudflare Pages: 25 MiB for a single asset
    "netlify": None,
    "vercel": 100_000_000,  # "Limits" of Vercel: static file uploads on Hobby, all files together
    "github-pages": 100_000_000,  # "About large files on GitHub": a push with a larger file is blocked
    "nginx": None,
    "s3-cloudfront": None,  # compresses 1 kB to 10 MB by itself; encoded forms lie beside, so it need not
    "npm": None,
}

EXTENSIONS: dict[Form, str] = {
    "gzip": ".g.bin",
    "zstd": ".z.bin",
}  # stored: one form, decoded by the loader
BESIDE: dict[Form, str] = {
    "gzip": ".bin.gz",
    "zstd": ".bin.zst",
    "br": ".bin.br",
}  # transport: beside `.bin`
PLAIN = ".bin"


class PublishedFile(Struct, frozen=True):
    """One file of a chunk: the end of its name, the form it is in (None: plain), and its size."""

    extension: str
    form: Form | None
    size_bytes: int


def mode_of(host: Host) -> Mode:
    """Whether the host publishes one form for the loader to decode, or negotiates encodings."""
    return "transport" if host in TRANSPORT_HOSTS else "stored"


def published_files(chunk: ManifestChunk, mode: Mode) -> tuple[PublishedFile, ...]:
    """The files of a chunk, the one that its URL names first."""
    plain = PublishedFile(PLAIN, None, chunk.size)
    encoded = chunk.enc.sizes()
    if mode == "transport":
        return (plain, *(PublishedFile(BESIDE[form], form, size) for form, size in encoded))
    return tuple(PublishedFile(EXTENSIONS[form], form, size) for form, size in encoded) or (plain,)


def download_bytes(chunk: ManifestChunk, mode: Mode) -> int:
    """What the host sends for the chunk: the smallest form that every browser of today gets.

    Of negotiated encodings zstd does not count: CloudFront and Safari before 26 do not take it.
    """
    sizes = (size for form, size in chunk.enc.sizes() if mode == "stored" or form != "zstd")
    return min(sizes, default=chunk.size)


def check_limit(chunk: ManifestChunk, host: Host) -> None:
    """Raises: UsageError MP-E113 if the host refuses one of the chunk's files."""
    limit_bytes = FILE_LIMIT_BYTES[host]
    for file in published_files(chunk, mode_of(host)):
        if limit_bytes is not None and file.size_bytes > limit_bytes:
            raise UsageError(
                "MP-E113",
                f"a chunk of {format_size(file.size_bytes)} does not fit {host}, "
                f"which takes files up to {format_size(limit_bytes)}",
                where="output.host",
                remedy="lower chunk_size in modelpack.toml",
            )
