"""Rows of the Bills table that hold facts: their keys, spelled in this one place, and their reading.

==========================================  ==========================================  =====================
partition key                               sort key                                    fact
==========================================  ==========================================  =====================
``CALL#<app>#<session token>``              ``EVENT#<type>``                            call event
                                            ``EVENT#collectInfo#<time>#<digits token>`` digits of one attempt
                                            ``CDR#<icid>`` (``CDR#-`` without icid)     call detail record
                                            ``DECISION``                                our answer (decisions)
``CALL#<app>#hash<digest>``                 as above                                    without sessionId
``ICID#<app>#<icid>``                       ``CDR``                                     where that CDR stands
``NUMBER#<app>#<x>``                        ``<received>#<digest>``                     state of a number
``SMS#<app>#<token of smsIdentifier>``      ``<Notify or Block>``                       SMS notice
                                            ``DECISION``                                our answer (decisions)
``QUARANTINE#<app>#<shard>``                ``<body token>`` (``#PART#<n>``)            refused or unreadable
``NONCE#<app>#<nonce hash>``                ``NONCE``                                   used nonce
==========================================  ==========================================  =====================

A fact whose key exists with other content is kept beside it under ``<sort key>#VARIANT#<digest>``; so is a
CDR whose icid stands under another session, in the partition of its own.
An imported record of the console stands under a sort key that ends with ``#CONSOLE`` (``imported_facts``).
Index ``by_day``: ``day_key`` = ``<CDR|END|SMS|VARIANT|QUARANTINE>#<app>#<Beijing day>#<shard>``,
``day_sort`` = ``<time>#<id>``. Tokens and digests are keyed (privacy.py): nothing here can be turned back
into a number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from privatenumber.times import from_iso

#: A day's facts of one application are spread over this many partitions of the index.
SHARDS = 8
DAY_INDEX = "by_day"
#: As far as the clock of whoever signs a push may be ahead of ours.
CLOCKS = timedelta(hours=12)
#: What stands for the id of a call or SMS that names none: this, and the digest of the record.
NO_SESSION = "hash"
_PLAIN = re.compile(r"[A-Za-z0-9_.:@=+\-]{1,128}")


def is_possible_end(ended_at: datetime, received_at: datetime) -> bool:
    """Whether a record may end then: it exists only afterwards, but clocks and zones differ (auth.md §6)."""
    return ended_at - received_at <= CLOCKS


def key_part(text: str) -> str:
    """`text` itself when it is harmless inside a key, else a hash of it: keys are bounded and use ``#``."""
    return text if _PLAIN.fullmatch(text) else "~" + hashlib.sha256(text.encode()).hexdigest()[:32]


def shard_of(text: str) -> int:
    """The shard a fact belongs to, from its id."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % SHARDS


def call_key(application: str, session: str) -> str:
    """Partition of one call. `session` is the session token, or ``hash<digest>`` when there is no session."""
    return f"CALL#{application}#{session}"


def icid_key(application: str, icid: str) -> str:
    """Partition of what says where the CDR of an icid stands: one per application (notifications.md §9.2)."""
    return f"ICID#{application}#{key_part(icid)}"


def number_key(application: str, x: str) -> str:
    """Partition of the states of one private number."""
    return f"NUMBER#{application}#{x}"


def sms_key(application: str, sms: str) -> str:
    """Partition of one SMS; `sms` is the token of its identifier."""
    return f"SMS#{application}#{sms}"


def quarantine_key(application: str, body: str) -> str:
    """Partition of a quarantined push; `body` is the keyed token of what came."""
    return f"QUARANTINE#{application}#{shard_of(body)}"


def nonce_key(application: str, username: str, nonce: str) -> str:
    """Partition of one used nonce."""
    used = hashlib.sha256(f"{username}\0{nonce}".encode()).hexdigest()
    return f"NONCE#{application}#{used[:40]}"


def day_key(kind: str, application: str, day: date, shard: int) -> str:
    """Partition of the day index. `kind`: ``CDR``, ``END``, ``SMS``, ``VARIANT``, ``QUARANTINE``."""
    return f"{kind}#{application}#{day.isoformat()}#{shard}"


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact to be stored once.

    ``item`` holds every attribute but the two keys, with Python values (no ``None``). ``kind`` names it in
    counts: ``cdr``, ``event``, ``number_state``, ``sms``.
    """

    pk: str
    sk: str
    kind: str
    digest: str
    item: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CdrFact:
    """A stored call detail record, as billing reads it (notifications.md §5.2, §10).

    ``session``, ``caller`` and ``callee`` are tokens; ``x`` and ``display_x`` are private numbers. Times are
    aware UTC. ``key`` is the record's address in the table, for tracing an amount to its facts.
    """

    key: tuple[str, str]
    application: str
    icid: str | None
    session: str | None
    subscription_id: str | None
    x: str | None = field(repr=False)
    display_x: str | None = field(repr=False)
    direction: int | None
    caller: str | None
    callee: str | None
    call_in_at: datetime | None
    started_at: datetime | None
    alerting_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    failed_at: datetime | None
    teardown: int | None
    q850: int | None
    sip: int | None
    recorded: bool
    released_by: int | None
    call_seconds: int | None
    digest: str
    received_at: datetime
    flags: tuple[str, ...]
    sealed: bytes = field(repr=False)
    mode: str | None = None
    """That of the application, where the record was pushed."""


@dataclass(frozen=True, slots=True)
class EventFact:
    """A stored call event. ``session``, ``caller`` and ``called`` are tokens; ``at`` is aware UTC."""

    key: tuple[str, str]
    application: str
    event: str
    session: str | None
    at: datetime | None
    subscription_id: str | None
    caller: str | None
    called: str | None
    state_code: int | None
    digest: str
    received_at: datetime
    flags: tuple[str, ...]
    sealed: bytes = field(repr=False)


#: The hang-up events of a day, which reconciliation holds against the CDRs.
EndFact = EventFact


def read_cdr(item: Mapping[str, Any]) -> CdrFact:
    """A `CdrFact` from a decoded row of the table."""
    return CdrFact(
        key=(item["pk"], item["sk"]),
        application=item["application"],
        icid=item.get("icid"),
        session=item.get("session"),
        subscription_id=item.get("subscription_id"),
        x=item.get("x"),
        display_x=item.get("display_x"),
        direction=_integer(item, "direction"),
        caller=item.get("caller"),
        callee=item.get("callee"),
        call_in_at=_moment(item, "call_in_at"),
        started_at=_moment(item, "started_at"),
        alerting_at=_moment(item, "alerting_at"),
        answered_at=_moment(item, "answered_at"),
        ended_at=_moment(item, "ended_at"),
        failed_at=_moment(item, "failed_at"),
        teardown=_integer(item, "teardown"),
        q850=_integer(item, "q850"),
        sip=_integer(item, "sip"),
        recorded=bool(item.get("recorded")),
        released_by=_integer(item, "released_by"),
        call_seconds=_integer(item, "call_seconds"),
        digest=item["digest"],
        received_at=from_iso(item["received_at"]),
        flags=tuple(item.get("flags", ())),
        sealed=bytes(item["sealed"]),
        mode=item.get("mode"),
    )


def read_event(item: Mapping[str, Any]) -> EventFact:
    """An `EventFact` from a decoded row of the table."""
    return EventFact(
        key=(item["pk"], item["sk"]),
        application=item["application"],
        event=item["event"],
        session=item.get("session"),
        at=_moment(item, "at"),
        subscription_id=item.get("subscription_id"),
        caller=item.get("caller"),
        called=item.get("called"),
        state_code=_integer(item, "state_code"),
        digest=item["digest"],
        received_at=from_iso(item["received_at"]),
        flags=tuple(item.get("flags", ())),
        sealed=bytes(item["sealed"]),
    )


def _moment(item: Mapping[str, Any], name: str) -> datetime | None:
    text = item.get(name)
    return from_iso(text) if text else None


def _integer(item: Mapping[str, Any], name: str) -> int | None:
    value = item.get(name)
    return None if value is None else int(value)
