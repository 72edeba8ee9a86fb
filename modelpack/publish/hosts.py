"""What each host does with files: whether it negotiates encodings, and the largest file it takes."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from modelpack.errors import UsageError
from modelpack.publish.wire import ManifestChunk, Mode
from modelpack.spec.project import Form, Host
from modelpack.units import MIB, format_size
from modelpack.wire import TRANSPORT_HOSTS

# The largest file, as the documentation of the hosts states it. None: it states none.
FILE_LIMIT_BYTES: dict[Host, int | None] = {
    "static": None,  # an unknown host has unknown limits
    "cloudflare-pages": 25 * MIB,  # "Limits" of Cloudflare Pages: 25 MiB for a single asset
    "netlify": None,
    "vercel": None,
    "github-pages": 100
    * MIB,  # "About large files on GitHub": a push with a larger file is blocked
    "nginx": None,
    "s3-cloudfront": None,  # compresses 1 kB to 10 MB by itself; encoded forms lie beside, so it need not
    "npm": None,
}
# The largest site, on any plan without an agreement of its own.
SITE_LIMIT_BYTES: dict[Host, int] = {
    "github-pages": 1_000_000_000,  # "GitHub Pages limits": published sites may be no larger than 1 GB
    "vercel": 1_000_000_000,  # "Limits" of Vercel: static file uploads, Pro
}
# On the smallest plan: a build may be meant for another one, and is only warned.
SMALL_SITE_BYTES: dict[Host, int] = {
    "vercel": 100_000_000,  # "Limits" of Vercel: static file uploads, Hobby
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


def check_limits(chunks: Iterable[ManifestChunk], host: Host) -> None:
    """Raises: UsageError MP-E113 if the host refuses one of the chunks' files, or all of them together."""
    sizes = _file_sizes(chunks, host)
    file_limit, site_limit = FILE_LIMIT_BYTES[host], SITE_LIMIT_BYTES.get(host)
    largest, total = max(sizes, default=0), sum(sizes)
    if file_limit is not None and largest > file_limit:
        raise UsageError(
            "MP-E113",
            f"a chunk of {format_size(largest)} does not fit {host}, "
            f"which takes files up to {format_size(file_limit)}",
            where="output.host",
            remedy="lower chunk_size in modelpack.toml",
        )
    if site_limit is not None and total > site_limit:
        raise UsageError(
            "MP-E113",
            f"{format_size(total)} of models do not fit {host}, "
            f"which takes sites up to {format_size(site_limit)}",
            where="output.host",
            remedy="publish fewer variants, smaller ones, or to another host",
        )


def small_plan_warning(chunks: Iterable[ManifestChunk], host: Host) -> str:
    """What to know before this is deployed on the host's smallest plan; empty if it fits."""
    limit, total = SMALL_SITE_BYTES.get(host), sum(_file_sizes(chunks, host))
    if limit is None or total <= limit:
        return ""
    return (
        f"{format_size(total)} of models; from the command line, {host}'s smallest plan "
        f"takes sites up to {format_size(limit)}"
    )


def _file_sizes(chunks: Iterable[ManifestChunk], host: Host) -> tuple[int, ...]:
    mode = mode_of(host)
    return tuple(file.size_bytes for chunk in chunks for file in published_files(chunk, mode))
