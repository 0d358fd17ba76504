"""What a recording must be: a WAV file, A-law, 8000 Hz, mono (recording-and-call-stop.md §1, §2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

BYTES_PER_SECOND: Final = 8000
MAX_HEADER_BYTES: Final = 64 * 1024

_ALAW: Final = 6
_FORM: Final = struct.Struct("<HHIIHH")
_CHUNK: Final = struct.Struct("<4sI")
_RIFF_BYTES: Final = 12
_UNKNOWN: Final = frozenset({0, 0xFFFF_FFFF})


class NotARecording(Exception):
    """Bytes that are no recording; ``detail`` says in a word why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Header:
    """Where the sound begins, and how many bytes of it the header announces; None when it does not say."""

    sound_at: int
    sound_bytes: int | None


def read_header(head: bytes) -> Header | None:
    """Read the header at the beginning of a file; None when more of the file is needed.

    Raises NotARecording.
    """
    if not b"RIFF".startswith(head[:4]) or not b"WAVE".startswith(head[8:12]):
        raise NotARecording("not_wav")
    at, formed = _RIFF_BYTES, False
    while at + _CHUNK.size <= len(head):
        name, length = _CHUNK.unpack_from(head, at)
        at += _CHUNK.size
        if name == b"data":
            if not formed:
                raise NotARecording("not_wav")
            return Header(at, None if length in _UNKNOWN else length)
        if name == b"fmt ":
            if len(head) < at + min(length, _FORM.size):
                break
            _check_form(head[at : at + length])
            formed = True
        at += length + length % 2  # chunks are padded to an even length
    if at > MAX_HEADER_BYTES or len(head) >= MAX_HEADER_BYTES:
        raise NotARecording("not_wav")
    return None


def _check_form(form: bytes) -> None:
    if len(form) < _FORM.size:
        raise NotARecording("not_wav")
    coding, channels, rate, _, _, bits = _FORM.unpack_from(form)
    if (coding, channels, rate, bits) != (_ALAW, 1, BYTES_PER_SECOND, 8):
        raise NotARecording("not_alaw")
