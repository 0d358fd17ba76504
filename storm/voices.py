"""Voice files: of some the platform has nothing yet, of some never, and some do not arrive whole.

Asking where a file is passes the platform's API; fetching it is answered here, out of the same emulator.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from urllib3 import HTTPResponse

from emulator.callrecord import Call, Recording
from emulator.platform import Emulator
from emulator.recordings import content

MISSING: Final = "recording.missing"
LATE: Final = "recording.late"
EXPIRED: Final = "recording.url_expired"
BROKEN: Final = "recording.broken_off"

_LATE: Final = timedelta(hours=5)


@dataclass
class Voices:
    """The platform's storage. ``struck`` says whether a fault of a kind acts on this occasion."""

    emulator: Emulator
    struck: Callable[[str], bool]

    def install(self) -> None:
        """Stand behind the making of files and at the end of the way on which the layer fetches them."""
        shelf = self.emulator.recordings
        make = shelf.make

        def made(call: Call, named: Callable[[datetime], str]) -> Recording | None:
            recording = make(call, named)
            return None if recording is None else self._delayed(call, recording)

        vars(shelf)["make"] = made
        downloads = importlib.import_module("privatenumber.recordings.download").Downloads
        downloads._ask = lambda way, address, deadline, anywhere: self._fetch(address)

    def _delayed(self, call: Call, recording: Recording) -> Recording:
        if self.struck(MISSING):
            return replace(recording, stored=False)
        if not self.struck(LATE):
            return recording

        async def arrive() -> None:
            if call.recording is not None:
                call.recording = replace(call.recording, stored=True)

        clock = self.emulator.scheduler
        clock.at(clock.now() + _LATE, arrive, "a voice file")
        return replace(recording, stored=False)

    def _fetch(self, address: str) -> Any:
        """The answer of the storage, as urllib3 gives it; one that breaks off is shorter than it says."""
        token = urlsplit(address).path.rpartition("/")[2]
        call = self.emulator.recordings.open(token, self.emulator.scheduler.now())
        if call is None or self.struck(EXPIRED):
            return _answer(403, iter(()))
        chunks = content(call.talk_seconds)
        return _answer(200, islice(chunks, 2) if self.struck(BROKEN) else chunks)


def _answer(status: int, chunks: Iterator[bytes]) -> HTTPResponse:
    headers = {"content-type": "audio/wav"}
    return HTTPResponse(BytesIO(b"".join(chunks)), headers=headers, status=status, preload_content=False)
