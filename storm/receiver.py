"""A receiver of webhooks: takes what comes, is down at times, and loses its answer at others."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from storm.platform import application_id

TARGET: Final = "http://127.0.0.1:9/in"
MODE: Final = "AXB"
"""The mode whose application wants to be told."""

WANTED: Final = ("binding.*", "call.*")
HOOK: Final[Mapping[str, Any]] = {
    "application": application_id(MODE),
    "target": TARGET,
    "events": list(WANTED),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event that arrived."""

    at: datetime
    id: str
    type: str
    subject: str


@dataclass
class Receiver:
    """What has arrived, in order. `down`: nobody answers; `unheard`: it is taken, its answer gets lost."""

    now: Callable[[], datetime]
    down: Callable[[], bool]
    unheard: Callable[[], bool]
    look: Callable[[str, str], None]
    taken: list[Told] = field(default_factory=list)

    def install(self) -> None:
        """Stand at the end of the way that the layer posts on."""
        posting = importlib.import_module("privatenumber.webhooks.posting")
        outcome: Callable[..., Any] = posting.Outcome

        def post(way: object, target: str, headers: Mapping[str, str], body: bytes) -> Any:
            self.look("a webhook", f"{target} {dict(headers)} {body.decode()}")
            if self.down():
                return outcome(False, "unreachable", 0.1)
            event = json.loads(body)
            self.taken.append(Told(self.now(), event["id"], event["type"], event["subject"]))
            return outcome(False, "timeout", 10.0) if self.unheard() else outcome(True, "delivered", 0.1, 200)

        posting.Posting.post = post
