"""The parts of an XLSX file, read as what a stranger sent: the ZIP may be a bomb, the XML an attack.

Only what is needed is read, every size is bounded while it is read (what a ZIP declares is not believed), and
XML with a document type is refused, so that there are no entities, inner or outer.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final
from xml.parsers import expat

from privatenumber.csv_table import FileRefused

MOST_BYTES: Final = 8 * 1024 * 1024
"""All parts together, unpacked, unless the caller takes more: 5,000 numbers are less than 2 MiB."""

MOST_PARTS: Final = 500
MOST_DEPTH: Final = 32
MOST_TEXT: Final = 32_767
"""Characters of one cell, as many as Excel takes."""
TOO_LONG: Final = f"an XLSX file with a text of more than {MOST_TEXT} characters"
_TEXTS: Final = frozenset({"t", "v"})
_CHUNK: Final = 64 * 1024
_NO_XLSX: Final = "not an XLSX file that can be read"
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError)


class Element:
    """An element while it is open: its local name and its attributes by local name."""

    __slots__ = ("attributes", "name")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.attributes = attributes


Event = tuple[str, Element, str]
"""(`start` or `end`, the element, the text directly in a `t` or `v`: empty at its start)."""


class Parts:
    """An opened file. Raises FileRefused when it is none, or reaches a bound."""

    def __init__(self, data: bytes, most_bytes: int = MOST_BYTES) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN:
            raise FileRefused(_NO_XLSX) from None
        if len(self._zip.infolist()) > MOST_PARTS:
            raise FileRefused("an XLSX file of too many parts")
        self._most = self._left = most_bytes

    def events(self, name: str) -> Iterator[Event]:
        """The elements of a part, as they begin and end; FileRefused may come at any of them."""
        parser = _Parser()
        for chunk in self._chunks(name):
            yield from parser.feed(chunk, last=False)
        yield from parser.feed(b"", last=True)

    def has(self, name: str) -> bool:
        """Whether there is a part of this name."""
        return name in self._zip.NameToInfo

    def _chunks(self, name: str) -> Iterator[bytes]:
        info = self._zip.NameToInfo.get(name)
        if info is None or info.compress_type not in _METHODS or info.flag_bits & _ENCRYPTED:
            raise FileRefused(_NO_XLSX)
        try:
            with self._zip.open(info) as part:
                while chunk := part.read(_CHUNK):
                    self._left -= len(chunk)
                    if self._left < 0:
                        raise FileRefused(f"an XLSX file of more than {self._most >> 20} MiB, unpacked")
                    yield chunk
        except _BROKEN as error:
            if isinstance(error, FileRefused):
                raise
            raise FileRefused(_NO_XLSX) from None


def target(base: str, path: str) -> str:
    """Name of the part that a relationship of the part `base` leads to."""
    if path.startswith("/"):
        return posixpath.normpath(path).lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), path))


class _Parser:
    def __init__(self) -> None:
        self._expat = expat.ParserCreate(namespace_separator=" ")
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._text
        self._expat.StartDoctypeDeclHandler = _no_document_type
        self._open: list[tuple[Element, list[str]]] = []
        self._size = 0
        self._events: list[Event] = []

    def feed(self, chunk: bytes, *, last: bool) -> list[Event]:
        self._events = []
        try:
            self._expat.Parse(chunk, last)
        except FileRefused:
            raise
        except (expat.ExpatError, ValueError, LookupError):
            # A part may name any encoding that Python knows, or one that nobody does.
            raise FileRefused(_NO_XLSX) from None
        return self._events

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= MOST_DEPTH:
            raise FileRefused(_NO_XLSX)
        self._size = 0
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        self._open.append((element, []))
        self._events.append(("start", element, ""))

    def _end(self, name: str) -> None:
        element, text = self._open.pop()
        self._events.append(("end", element, "".join(text)))

    def _text(self, text: str) -> None:
        if not self._open or self._open[-1][0].name not in _TEXTS:
            return
        self._size += len(text)
        if self._size > MOST_TEXT:
            raise FileRefused(TOO_LONG)
        self._open[-1][1].append(text)


def _no_document_type(name: str, system: str | None, public: str | None, inner: int) -> None:
    raise FileRefused("an XLSX file with a document type")


def _local(name: str) -> str:
    # Transitional and strict files differ in their namespaces only.
    return name.rpartition(" ")[2]
