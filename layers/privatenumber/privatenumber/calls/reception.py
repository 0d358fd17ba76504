"""Under which circumstances facts came in, and what of them may stand in clear, as a token or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from privatenumber.numbers_in_text import holds_number
from privatenumber.privacy import Keyring, token
from privatenumber.settings import Kept, Mode

_SHORTEST_NUMBER = 7
#: As long as evaluated facts are kept when nothing else is said (operations.md §13).
NO_OTHER_TIME = Kept()


@dataclass(frozen=True, slots=True)
class Reception:
    """Under which circumstances facts came in; ``flags`` are remembered with each of them.

    ``mode`` is that of the application: what an SMS means depends on it. ``kept`` says how long they stay.
    """

    application: str
    received_at: datetime
    keyring: Keyring
    flags: tuple[str, ...] = ()
    mode: Mode | None = None
    kept: Kept = NO_OTHER_TIME

    def token(self, value: str | None, purpose: str = "number") -> str | None:
        """The token of a value, `None` for none."""
        return token(self.keyring, value, purpose=purpose) if value else None

    def opaque(self, value: str | None, people: Iterable[str | None]) -> str | None:
        """An id of the platform, or its token when it holds a number or quotes ``people`` (or sessionId)."""
        quoted = (person.removeprefix("+86") for person in people if person)
        if value and (
            any(len(core) >= _SHORTEST_NUMBER and core in value for core in quoted) or holds_number(value)
        ):
            return self._stand_in(value)
        return value

    def code(self, value: str | None, people: Iterable[str | None] = ()) -> str | None:
        """A word or code of the platform, known or not, or its token when a number may be written in it."""
        digits = sum(character.isdigit() for character in value or "")
        if value and digits >= _SHORTEST_NUMBER:
            return self._stand_in(value)
        return self.opaque(value, people)

    def _stand_in(self, value: str) -> str:
        return f"~{token(self.keyring, value, purpose='id')}"

    def orphan(self, subscription_id: str | None) -> bool:
        """Whether a record says no binding; in X mode, where the platform knows none, nothing is missing."""
        return not subscription_id and self.mode is not Mode.X

    def expires_at(self, *, texts: bool = False) -> int:
        """When a fact of a call, or of an SMS, may be forgotten, in epoch seconds."""
        kept = self.kept.texts if texts else self.kept.calls
        return int((self.received_at + kept).timestamp())

    def digest(self, content: str) -> str:
        """Keyed digest of canonical content: a plain hash of it could be guessed back to its numbers."""
        return token(self.keyring, content, purpose="content")
