"""Lines of keys: a TOML text → the line on which each key path is written. Only for texts that are valid TOML.

The TOML parser does not say where it found things, so errors that are found later look their lines up here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

from modelpack.config.place import Keys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TOKEN = re.compile(
    r'''
      (?P<skip>   [ \t\r]+ | \#[^\n]* )
    | (?P<line>   \n [ \t\r\n]* )
    | (?P<string> """(?:[^\\]|\\.)*?"""(?:"{0,2}) | \'\'\'.*?\'\'\'(?:'{0,2})
                | "(?:[^"\\]|\\.)*" | '[^']*' )
    | (?P<mark>   [][{}=,.] )
    | (?P<bare>   [^\s\#"'\[\]{}=,.]+ )
    ''',
    re.VERBOSE | re.DOTALL,
)


def find_lines(text: str, wanted: Iterable[Keys]) -> dict[Keys, int]:
    """The line of each key path that is `wanted`, of those around it, and of others on the way.

    A table has the line of its header; without one, the line of the first key that implies it. Elements of arrays
    are paths too: `("models", "bert", "outputs", 0)`.
    """
    reader = _Reader(text, wanted)
    reader.read_document()
    return {**reader.implied, **reader.written}


class _Reader:
    """Walks the tokens once. `written` are the lines of keys and headers, `implied` those of tables around them."""

    def __init__(self, text: str, wanted: Iterable[Keys]) -> None:
        self.written: dict[Keys, int] = {}
        self.implied: dict[Keys, int] = {}
        self._elements: dict[Keys, int] = {}  # how many [[headers]] each array of tables has had
        self._missing = set(wanted) - {()}
        self._tokens = _tokenize(text)
        self._text, self._line = "", 0
        self._advance()

    def read_document(self) -> None:
        table: Keys = ()
        while self._text:
            if self._text == "\n":
                self._advance()
            elif self._text == "[":
                table = self._read_header()
            else:
                self._read_pair(table)

    def _advance(self) -> None:
        # When everything is found, the text is over.
        end = ("", self._line)
        self._text, self._line = next(self._tokens, end) if self._missing else end

    def _skip_lines(self) -> None:
        while self._text == "\n":
            self._advance()

    def _read_header(self) -> Keys:
        line = self._line
        self._advance()
        is_element = self._text == "["
        if is_element:
            self._advance()
        *around, last = self._read_key()
        keys: Keys = ()
        for part in around:
            keys = self._newest((*keys, part))
        keys = (*keys, last)
        while self._text and self._text != "\n":
            self._advance()
        if is_element:
            self._note(keys, line)
            self._elements[keys] = self._elements.get(keys, 0) + 1
        keys = self._newest(keys)
        self._note(keys, line)
        return keys

    def _newest(self, keys: Keys) -> Keys:
        """The newest element if the keys lead to an array of tables."""
        count = self._elements.get(keys, 0)
        return (*keys, count - 1) if count else keys

    def _read_pair(self, table: Keys) -> None:
        line = self._line
        keys = (*table, *self._read_key())
        self._advance()  # the equals sign
        self._note(keys, line)
        self._read_value(keys)

    def _read_key(self) -> list[str]:
        parts = [_unquote(self._text)]
        self._advance()
        while self._text == ".":
            self._advance()
            parts.append(_unquote(self._text))
            self._advance()
        return parts

    def _read_value(self, keys: Keys) -> None:
        if self._text == "[":
            self._read_array(keys)
        elif self._text == "{":
            self._read_inline_table(keys)
        else:
            while self._text and self._text not in {"\n", ",", "]", "}"}:
                self._advance()

    def _read_array(self, keys: Keys) -> None:
        self._advance()
        index = 0
        self._skip_lines()
        while self._text and self._text != "]":
            self._note((*keys, index), self._line)
            self._read_value((*keys, index))
            index += 1
            self._skip_separators()
        self._advance()

    def _read_inline_table(self, keys: Keys) -> None:
        self._advance()
        self._skip_separators()
        while self._text and self._text != "}":
            self._read_pair(keys)
            self._skip_separators()
        self._advance()

    def _skip_separators(self) -> None:
        while self._text in {"\n", ","}:
            self._advance()

    def _note(self, keys: Keys, line: int) -> None:
        self.written.setdefault(keys, line)
        self._missing.discard(keys)
        for end in range(len(keys) - 1, 0, -1):
            around = keys[:end]
            if around in self.implied:
                break  # and so are those around it
            self.implied[around] = line


def _tokenize(text: str) -> Iterator[tuple[str, int]]:
    """Each token with its line; a string of several lines has its first."""
    line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if match.lastgroup != "skip":
            yield "\n" if match.lastgroup == "line" else token, line
        line += token.count("\n")


def _unquote(token: str) -> str:
    if token.startswith("'"):
        return token[1:-1]
    if token.startswith('"'):
        return str(tomllib.loads(f"key = {token}")["key"]) if "\\" in token else token[1:-1]
    return token
