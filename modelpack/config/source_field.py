"""The field of a model's source: a path, a file in a package, an address on the web, a repository of the hub, or a function."""

from __future__ import annotations

import re

from modelpack.config.fields import Leaf, Schema, locate, read_text
from modelpack.config.place import Fault, Place
from modelpack.spec.sources import (
    FileSource,
    FunctionSource,
    HubSource,
    NpmSource,
    PythonSource,
    Source,
    UrlSource,
)

_EXPECTED = (
    'a path such as "models/bert.onnx", "npm:package/model.onnx", "py:package/model.onnx", '
    '"https://example.com/model.onnx", "hf:org/repo@revision" or "python:module:function"'
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # one letter would be a drive
_IN_PACKAGE = r"(?!(?:.*/)?\.\.(?:/|$))[^/\\\x00-\x1f\x7f][^\\\x00-\x1f\x7f]*"
_NPM_NAME = r"(?:@[A-Za-z0-9][A-Za-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*"
_PYTHON_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
_NPM = re.compile(f"npm:({_NPM_NAME})/({_IN_PACKAGE})")
_PYTHON = re.compile(f"py:({_PYTHON_NAME})/({_IN_PACKAGE})")
_HUB_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_HUB_PATH = r"(?!(?:.*/)?\.\.?(?:/|@))[^/@\\\x00-\x1f\x7f][^@\\\x00-\x1f\x7f]*"
_REVISION = r"[A-Za-z0-9][A-Za-z0-9._/-]*"
_HUB = re.compile(f"hf:({_HUB_NAME}/{_HUB_NAME})(?:/({_HUB_PATH}))?@({_REVISION})")
_WORD = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
_FUNCTION_TEXT = rf"python:{_WORD}(?:\.{_WORD}){{0,15}}:{_WORD}"
_FUNCTION = re.compile(rf"python:({_WORD}(?:\.{_WORD}){{0,15}}):({_WORD})")
# https, and http on this very machine. No user name, no fragment, nothing that a URL would have to escape.
_URL_TEXT = (
    r"(?:https://[A-Za-z0-9][A-Za-z0-9.-]*|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{1,5})?"
    r"/(?:(?![\x22#<>\\^`{|}])[!-~])*"
)
_URL = re.compile(_URL_TEXT)
URL_PATTERN = f"^{_URL_TEXT}$"
_PATTERN = (
    rf"^(?!.*\$\{{env:)(?:{_URL_TEXT}|npm:{_NPM_NAME}/{_IN_PACKAGE}|py:{_PYTHON_NAME}/{_IN_PACKAGE}"
    rf"|hf:{_HUB_NAME}/{_HUB_NAME}(?:/{_HUB_PATH})?@{_REVISION}|{_FUNCTION_TEXT}"
    r"|(?![/~]|[A-Za-z][A-Za-z0-9+.-]*:)[^\\\x00-\x1f\x7f]+)$"
)
_MAX_CHARACTERS = 1024


class SourceField(Leaf[Source], frozen=True):
    """Where a model comes from."""

    def read(self, value: object, at: Place) -> Source:
        """The source; that it exists is not checked."""
        text = read_text(value, at, _EXPECTED)
        scheme = _SCHEME.match(text)
        if scheme is None:
            return FileSource(locate(text, at, _EXPECTED))
        if scheme[1] not in {"npm", "py", "https", "http", "hf", "python"}:
            message = (
                f'"{scheme[1]}:" sources are not supported by this version; expected {_EXPECTED}'
            )
            raise Fault("MP-E112", at.keys, message)
        if len(text) > _MAX_CHARACTERS:
            raise at.wrong(value, f"at most {_MAX_CHARACTERS} characters")
        if npm := _NPM.fullmatch(text):
            return NpmSource(npm[1], npm[2], at.folders.config_folder)
        if python := _PYTHON.fullmatch(text):
            return PythonSource(python[1], python[2])
        if hub := _HUB.fullmatch(text):
            return HubSource(hub[1], hub[3], hub[2] or "")
        if _URL.fullmatch(text):
            return UrlSource(text)
        if function := _FUNCTION.fullmatch(text):
            return FunctionSource(function[1], function[2], at.folders.config_folder)
        if scheme[1] == "python":
            raise at.wrong(value, '"python:models.words:make", a function in models/words.py')
        if scheme[1] == "hf":
            raise at.wrong(
                value, '"hf:org/repo@revision", where the revision is a branch, a tag or a commit'
            )
        if scheme[1] in {"https", "http"}:
            raise at.wrong(value, 'an address such as "https://example.com/model.onnx"')
        raise at.wrong(value, f'"{scheme[1]}:package/path/to/model.onnx"')

    def schema(self, _tables: Schema) -> Schema:
        """A string of one of the six forms."""
        return {"type": "string", "maxLength": _MAX_CHARACTERS, "pattern": _PATTERN}
