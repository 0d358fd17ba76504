"""Looking at a recording while it passes by: size, checksum, header, length. Nothing of it is kept.

A file that is not what it should be raises at its end at the latest, before it could count as archived.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from privatenumber.recordings.wav import (
    BYTES_PER_SECOND,
    MAX_HEADER_BYTES,
    Header,
    NotARecording,
    read_header,
)

TOLERANCE_S: Final = 2
"""How much the length of a file may differ from the talk time of the CDR (recording-and-call-stop.md §2)."""

MAX_BYTES: Final = 24 * 3600 * BYTES_PER_SECOND + MAX_HEADER_BYTES
"""A day of talk; whatever is longer is no recording of a call."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a file before it comes. ``strict``: a length that is not plausible refuses it."""

    talk_seconds: int | None = None
    strict: bool = True

    @property
    def max_bytes(self) -> int:
        """Where to stop reading."""
        if self.talk_seconds is None or not self.strict:
            return MAX_BYTES
        return min(MAX_BYTES, (self.talk_seconds + TOLERANCE_S) * BYTES_PER_SECOND + MAX_HEADER_BYTES)


@dataclass(frozen=True, slots=True)
class Inspected:
    """A recording that is complete. ``plausible``: as long as the CDR says; True where the CDR does not."""

    size: int
    sha256: str
    seconds: int
    plausible: bool


class Inspection:
    """Sees every chunk of a file once."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected
        self._hash = hashlib.sha256()
        self._head = bytearray()
        self._header: Header | None = None
        self._size = 0
        self._result: Inspected | None = None

    def passing(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Hand the chunks on. Raises NotARecording, for what only the end tells instead of ending."""
        for chunk in chunks:
            self._take(chunk)
            yield chunk
        self._result = self._finish()

    @property
    def result(self) -> Inspected:
        """What was found, once all chunks have passed."""
        if self._result is None:
            raise ValueError("the file has not passed to its end")
        return self._result

    def _take(self, chunk: bytes) -> None:
        self._size += len(chunk)
        self._hash.update(chunk)
        if self._size > self._expected.max_bytes:
            raise NotARecording("too_large")
        if self._header is None:
            self._head += chunk[:MAX_HEADER_BYTES]
            self._header = read_header(bytes(self._head))
            if self._header is not None:
                self._head.clear()

    def _finish(self) -> Inspected:
        if self._header is None:
            raise NotARecording("truncated" if self._size else "empty")
        sound = self._size - self._header.sound_at
        announced = self._header.sound_bytes
        if sound <= 0 or (announced is not None and sound < announced):
            raise NotARecording("truncated")
        length = announced or sound
        talk = self._expected.talk_seconds
        plausible = talk is None or abs(length - talk * BYTES_PER_SECOND) <= TOLERANCE_S * BYTES_PER_SECOND
        if self._expected.strict and not plausible:
            raise NotARecording("implausible")
        seconds = (length + BYTES_PER_SECOND // 2) // BYTES_PER_SECOND
        return Inspected(self._size, self._hash.hexdigest(), seconds, plausible)
