"""What an erasure is: whom or what it is about, what it goes through, what can be wrong with asking for it.

Nothing here talks to a table.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from privatenumber.privacy import PSEUDONYM, TOKEN_LENGTH

AGAIN_AFTER: Final = timedelta(hours=24)
"""When everything is looked at a second time: later than the platform's last repetition of a push
(notifications.md §2.4) and than a stream's oldest record, so that what was under way is erased too."""

YOUNGEST: Final = timedelta(days=2)
"""What is erased by age is at least as old: its last push has come."""


class Subject(StrEnum):
    """Whom or what an erasure is about."""

    PERSON = "person"
    ORDER = "order"
    AGE = "age"


class State(StrEnum):
    """How far an erasure has come; the last two are final."""

    WAITING = "waiting"
    """It is looked at with the next round, the first time or once more."""
    COUNTED = "counted"
    """A dry run is over: nothing was changed."""
    DONE = "done"
    """Its certificate is written."""


class ErasureNotFound(Exception):
    """No erasure has this id."""


class ErasureDiffers(Exception):
    """The Idempotency-Key was used for another request."""


class StillInUse(Exception):
    """Bindings that live concern the person or order: end them first. ``bindings`` are their ids."""

    def __init__(self, bindings: tuple[str, ...]) -> None:
        super().__init__(f"{len(bindings)} bindings")
        self.bindings = bindings


class InvalidRequest(Exception):
    """A field that breaks a rule, without its value."""

    def __init__(self, field_name: str, rule: str) -> None:
        super().__init__(f"{field_name}: {rule}")
        self.field = field_name
        self.rule = rule


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """Whom or what to erase, opened: it has no `repr`, since it holds numbers.

    ``as_of`` is when it was asked for: what begins later belongs to a new life and stays. ``salt`` makes the
    pseudonyms; once it is forgotten nobody can tell whose they are. ``bindings`` and ``subscriptions`` are
    those of the order, ``before`` the age. Without ``application`` all applications are meant.
    """

    erasure: str
    subject: Subject
    as_of: datetime
    salt: bytes
    application: str | None = None
    numbers: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    order: str | None = None
    bindings: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    before: datetime | None = None
    dry_run: bool = False
    lift_bars: bool = False
    last: bool = True
    """This is the last look: what is left now is left."""

    def pseudonym(self, token: str) -> str:
        """Who stands where the token stood: always the same one within an erasure."""
        mac = hmac.digest(self.salt, token.encode(), hashlib.sha256)
        return PSEUDONYM + base64.b32encode(mac).decode("ascii").lower()[: TOKEN_LENGTH - len(PSEUDONYM)]


def looks(subject: Subject, *, dry_run: bool) -> int:
    """How often everything is looked at: nothing comes late of what is old, and a dry run changes nothing."""
    return 1 if dry_run or subject is Subject.AGE else 2


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for. ``numbers`` are a person's, in global form; exactly one subject is given."""

    subject: Subject
    by: str
    reason: str
    application: str | None = None
    numbers: frozenset[str] = field(default=frozenset(), repr=False)
    order: str | None = None
    older_than_days: int | None = None
    dry_run: bool = False
    lift_bars: bool = False
