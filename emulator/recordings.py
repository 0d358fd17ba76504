"""Recordings: which exist, where they are fetched, and their bytes (recording-and-call-stop.md §1, §2).

A file is an A-law WAV, 8000 Hz, mono, of exactly the talk time. Its bytes are made while they are sent.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.callrecord import Call, Recording
from emulator.settings import RecordingSettings

RECORDINGS_PATH = "/__emu/recordings"
SHORTEST_RECORDING_S = 3
BYTES_PER_SECOND = 8000
_ALAW = 6
_TONE_HZ = 440
_LOUDNESS = 8000
_SEGMENT_STEP = 16

DeliveredAt = Callable[[Call], datetime | None]


@dataclass(frozen=True, slots=True)
class Address:
    """A download address: which call's file it opens, and until when (None: as long as the file is kept)."""

    object_name: str
    expires_at: datetime | None = None


class Recordings:
    """The recordings of all calls. ``delivered_at`` tells when a call's CDR first reached its receiver,
    ``base`` the address under which this emulator is reached, "" when it is served nowhere.
    """

    def __init__(
        self,
        settings: RecordingSettings,
        delivered_at: DeliveredAt,
        chance: random.Random,
        base: Callable[[], str] = lambda: "",
    ) -> None:
        self._settings = settings
        self._delivered_at = delivered_at
        self._chance = chance
        self._base = base
        self._calls: dict[str, Call] = {}
        self._addresses: dict[str, Address] = {}

    def make(self, call: Call, named: Callable[[datetime], str]) -> Recording | None:
        """Make and keep the recording of a call that ended; None when it was not recorded, or too short."""
        if not call.recorded or call.answered_at is None:
            return None
        short = call.talk_seconds < SHORTEST_RECORDING_S
        if short and self._settings.short_call == "not_recorded":
            return None
        name = named(call.answered_at)
        self._calls[name] = call
        return Recording(
            started_at=call.answered_at,
            domain=self._settings.domain,
            bucket=f"sp-{call.app_key.lower()}",
            object_name=name,
            url=self._direct_url(name) if self._settings.delivery == "direct_url" else None,
            stored=not short or self._settings.short_call == "recorded",
        )

    def address(self, app_key: str, domain: str, name: str, at: datetime) -> str | None:
        """Return the token of a new address; None for a file that is not there (any more)."""
        call = self._calls.get(name)
        if call is None or call.recording is None or call.app_key != app_key:
            return None
        if call.recording.domain != domain or not call.recording.stored or at >= self._kept_until(call):
            return None
        return self._token(Address(name, at + timedelta(seconds=self._settings.url_ttl_s)))

    def open(self, token: str, at: datetime) -> Call | None:
        """Return the call whose file an address opens; None when it expired or never was."""
        address = self._addresses.get(token)
        if address is None or (address.expires_at is not None and at >= address.expires_at):
            return None
        call = self._calls[address.object_name]
        there = call.recording is not None and call.recording.stored and at < self._kept_until(call)
        return call if there else None

    def _direct_url(self, name: str) -> str:
        """The address that stands in the CDR itself (`recording.delivery` = `direct_url`)."""
        base = self._base()
        token = self._token(Address(name))
        return f"{base}{RECORDINGS_PATH}/{token}" if base else f"https://{self._settings.domain}/{name}"

    def _token(self, address: Address) -> str:
        token = f"{self._chance.getrandbits(128):032x}"
        self._addresses[token] = address
        return token

    def _kept_until(self, call: Call) -> datetime:
        """Seven days from the first successful push of the CDR, else from the end of the call."""
        if call.ended_at is None:
            raise ValueError("a call that still runs has no recording")
        begun = self._delivered_at(call) or call.ended_at
        return begun + timedelta(seconds=self._settings.retention_s)


def size_of(talk_seconds: int) -> int:
    """Return the size of a file in bytes, header included."""
    return len(_header(talk_seconds)) + talk_seconds * BYTES_PER_SECOND


def content(talk_seconds: int) -> Iterator[bytes]:
    """Yield a file: its header, then one second of tone after the other."""
    yield _header(talk_seconds)
    second = _tone()
    for _ in range(talk_seconds):
        yield second


def _header(talk_seconds: int) -> bytes:
    samples = talk_seconds * BYTES_PER_SECOND
    form = struct.pack("<HHIIHHH", _ALAW, 1, BYTES_PER_SECOND, BYTES_PER_SECOND, 1, 8, 0)
    chunks = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"fact", struct.pack("<I", samples))
    data = b"data" + struct.pack("<I", samples)
    return b"RIFF" + struct.pack("<I", len(chunks) + len(data) + samples) + chunks + data


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body


def _tone() -> bytes:
    """One second of a tone, A-law coded (ITU-T G.711)."""
    step = 2 * math.pi * _TONE_HZ / BYTES_PER_SECOND
    return bytes(_alaw(int(_LOUDNESS * math.sin(step * n))) for n in range(BYTES_PER_SECOND))


def _alaw(sample: int) -> int:
    """Code one 16-bit sample."""
    mask = 0xD5 if sample >= 0 else 0x55
    level = min(sample if sample >= 0 else -sample - 1, 32_767) >> 3
    exponent = max(level.bit_length() - 5, 0)
    mantissa = (level >> (exponent if exponent else 1)) & (_SEGMENT_STEP - 1)
    return ((exponent << 4) | mantissa) ^ mask
