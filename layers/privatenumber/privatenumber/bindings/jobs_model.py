"""What a bulk job is: what may be asked for, what it and its items go through, how its contents are sealed.

Nothing here talks to a table or to the platform.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from privatenumber.bindings.errors import BindingError
from privatenumber.bindings.model import Party, Reason
from privatenumber.bindings.records import party
from privatenumber.privacy import Keyring, open_sealed, seal
from privatenumber.store.job_rows import CANCELLED, DONE, FAILED, PENDING, ItemRow, JobRow

MAX_LISTED: Final = 5000
"""Items in one request; more come as a file."""

MAX_ITEMS: Final = 100_000
"""Items of one job, from a file or found by it."""

MAX_ITEM_BYTES: Final = 4096
KEPT_DAYS: Final = 90
"""How long a job can be read after it was asked for."""

NUDGE: Final = timedelta(seconds=60)
"""What nobody has taken up so long after it was due is sent again."""

FILES: Final = "jobs/"
"""Folder of the exchange bucket that job files lie in."""


class Kind(StrEnum):
    """What a job does to each of its items."""

    BIND = "bind"
    CHANGE = "change"
    RELEASE = "release"
    RELEASE_PERSON = "release_person"
    """Somebody leaves: end what stands on his number, take him away where he is a partner."""
    REPLACE_PERSON = "replace_person"
    """Somebody else takes his place, on the same X numbers."""
    DRAIN_NUMBER = "drain_number"
    """An X goes back: nothing new on it, and what lives there ends or moves."""


class JobState(StrEnum):
    """PLANNING finds the items, RUNNING works on them; the last three are final."""

    PLANNING = "planning"
    RUNNING = "running"
    CANCELLING = "cancelling"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """It could not be planned; nothing was done."""

    @property
    def final(self) -> bool:
        """True when nothing is left to be done."""
        return self in (JobState.FINISHED, JobState.CANCELLED, JobState.FAILED)


class ItemState(StrEnum):
    """States of an item; all but the first are final."""

    PENDING = PENDING
    DONE = DONE
    FAILED = FAILED
    CANCELLED = CANCELLED


class JobNotFound(BindingError):
    """No job has this id."""

    def __init__(self) -> None:
        super().__init__("no job has this id")


@dataclass(frozen=True, slots=True)
class JobCommand:
    """What a business system asks for. Numbers in any form of numbers.md §1.3.

    ``items`` are JSON texts, one object each (bind, change, release); instead of them ``file`` may name a
    file of such lines in the exchange bucket, or ``created_before`` all living bindings that were made before
    a moment (release). ``number`` is the person (release_person, replace_person), ``replacement`` who comes
    instead; ``x`` the number to be drained, ``move`` whether its bindings go to other numbers. A release
    waits ``wait_seconds`` for calls under way, None: as each binding says.
    """

    kind: Kind
    application: str
    idempotency_key: str = field(repr=False)
    created_by: str
    items: tuple[str, ...] | None = field(default=None, repr=False)
    file: str | None = field(default=None, repr=False)
    created_before: datetime | None = None
    number: str | None = field(default=None, repr=False)
    replacement: str | None = field(default=None, repr=False)
    x: str | None = field(default=None, repr=False)
    move: bool = False
    release_reason: Reason = Reason.DELETED
    grace_seconds: int = 0
    wait_seconds: int | None = None
    reason: str | None = None
    """Why, for the audit."""


@dataclass(frozen=True, slots=True)
class Task:
    """One item to be done: its job, its row, and what was sealed."""

    job: JobRow
    row: ItemRow
    content: Mapping[str, Any] = field(repr=False)
    person: Party | None = None
    replacement: Party | None = None

    @property
    def key(self) -> str:
        """The Idempotency-Key of whatever it binds: the same at every repetition, another for each item."""
        return f"job {self.job.id} {self.row.n}"

    @property
    def author(self) -> str:
        """In whose name it writes."""
        return f"job:{self.job.id}"


class Unreadable(Exception):
    """An item is not one JSON object."""


def seal_item(keyring: Keyring, job_id: str, n: int, text: str) -> bytes:
    """Seal the contents of an item: they hold people's numbers."""
    return seal(keyring, text.encode(), context=f"job#{job_id}#{n}")


def seal_people(keyring: Keyring, job_id: str, people: Mapping[str, Party]) -> bytes | None:
    """Seal the numbers that a job names for all its items."""
    if not people:
        return None
    numbers = {role: who.number for role, who in people.items()}
    return seal(keyring, json.dumps(numbers).encode(), context=f"job#{job_id}")


def open_task(keyring: Keyring, job: JobRow, row: ItemRow) -> Task:
    """Open an item. Raises SealBroken, Unreadable."""
    people = open_people(keyring, job)
    text = open_sealed(keyring, row.sealed, context=f"job#{job.id}#{row.n}")
    try:
        content = json.loads(text)
    except ValueError:
        raise Unreadable from None
    if not isinstance(content, dict):
        raise Unreadable
    return Task(job, row, content, people.get("number"), people.get("replacement"))


def open_people(keyring: Keyring, job: JobRow) -> dict[str, Party]:
    """The persons that a job names, by their role. Raises SealBroken."""
    if job.sealed is None:
        return {}
    numbers = json.loads(open_sealed(keyring, job.sealed, context=f"job#{job.id}"))
    return {role: party(keyring, number) for role, number in numbers.items()}
