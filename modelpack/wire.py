"""In which forms chunks are compressed, by the host that serves them and the mode of the build."""

from __future__ import annotations

from modelpack.spec.project import Form, Host, Mode, OutputSettings

# Hosts that negotiate Content-Encoding; the others publish one form that the loader decodes, and it knows no brotli.
TRANSPORT_HOSTS: frozenset[Host] = frozenset({"nginx", "s3-cloudfront"})

# Brotli-11 takes 25–50 s for 23 MB on one core and gains little over zstd on float weights (variants.md, Compression).
_STORED_FORMS: tuple[tuple[Form, int], ...] = (("gzip", 9), ("zstd", 19))
_TRANSPORT_FORMS: tuple[tuple[Form, int], ...] = (*_STORED_FORMS, ("br", 11))
# Stored forms have names that promise never to change: a quick zstd-3 must not stand where production puts zstd-19.
_STORED_FORMS_IN_DEVELOPMENT: tuple[tuple[Form, int], ...] = ()
_TRANSPORT_FORMS_IN_DEVELOPMENT: tuple[tuple[Form, int], ...] = (("br", 9),)


def wire_forms(
    output: OutputSettings, mode: Mode, *, is_float: bool
) -> tuple[tuple[Form, int], ...]:
    """The forms to try, each with its level; `is_float` for weights of 16 bits or more."""
    if output.compression == "none":
        return ()
    is_transport = output.host in TRANSPORT_HOSTS
    if mode == "development":
        return _TRANSPORT_FORMS_IN_DEVELOPMENT if is_transport else _STORED_FORMS_IN_DEVELOPMENT
    if not is_transport or (is_float and output.compression == "balanced"):
        return _STORED_FORMS
    return _TRANSPORT_FORMS
