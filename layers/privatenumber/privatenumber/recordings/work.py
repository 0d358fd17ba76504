"""What the worker of recordings is told: one message per recording that is due."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from privatenumber.store.recordings import Key
from privatenumber.times import from_iso, iso


@dataclass(frozen=True, slots=True)
class RecordingWork:
    """A recording that was due at ``as_of``."""

    key: Key
    as_of: datetime

    def to_body(self) -> str:
        """Render the message body."""
        return json.dumps({"call": self.key[0], "recording": self.key[1], "as_of": iso(self.as_of)})

    @classmethod
    def from_body(cls, body: str) -> RecordingWork:
        """Read a message body; raises ValueError when it is not one of ours."""
        try:
            content = json.loads(body)
            return cls((str(content["call"]), str(content["recording"])), from_iso(content["as_of"]))
        except (KeyError, TypeError):
            raise ValueError("not a work message of recordings") from None
