"""From a CDR to the recording it speaks of: one row beside the call, to be fetched from now on.

Idempotent: the key is a token of the object, so a CDR that arrives twice, or a second one that names the same
object, changes nothing. Names and addresses are sealed: both are the platform's, and may quote a number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.platform.push_fields import Fields, UnreadableField
from privatenumber.privacy import Keyring, open_sealed, seal, token
from privatenumber.recordings.model import Reason, State
from privatenumber.store.fact_rows import CdrFact, key_part
from privatenumber.store.recordings import RecordingRow, nameless_sk, recording_sk
from privatenumber.times import beijing_day

KEPT: Final = timedelta(days=400)
"""How long a row is kept: as long as the facts of its call."""

Value = str | None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the platform keeps a recording: an object of a domain, or else an address (§1)."""

    object_name: Value
    domain: Value
    url: Value

    @property
    def identity(self) -> str | None:
        """What makes two CDRs speak of one recording; an address without its query, which may be signed."""
        if self.object_name and self.domain:
            return self.object_name
        return self.url.partition("?")[0] if self.url else None

    def to_bytes(self) -> bytes:
        """Render, to be sealed."""
        known = {"object": self.object_name, "domain": self.domain, "url": self.url}
        return json.dumps(known, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, opened: bytes) -> Whereabouts:
        """Read what `to_bytes` has rendered."""
        known = json.loads(opened)
        return cls(known["object"], known["domain"], known["url"])


def recording_of(cdr: CdrFact, keyring: Keyring, *, now: datetime) -> RecordingRow | None:
    """The recording that a CDR speaks of, pending; without a place to fetch it final at once.

    Returns None for a call that was not recorded. Raises SealBroken when this keyring does not open the CDR.
    """
    if not cdr.recorded:
        return None
    try:
        raw = _raw(cdr, keyring)
        where, recorded_at = _whereabouts(raw), _started_at(raw) or cdr.answered_at
    except _Unreadable:
        return unreadable(cdr)
    if where.identity is None:
        return _without_file(cdr, Reason.UNNAMED)
    identity = token(keyring, where.identity, purpose="recording")
    key = (cdr.key[0], recording_sk(identity))
    return RecordingRow(
        key=key,
        application=cdr.application,
        state=State.PENDING.value,
        file=_file(cdr, identity),
        received_at=cdr.received_at,
        expires_at=_expires_at(cdr),
        recorded_at=recorded_at,
        talk_seconds=_talk_seconds(cdr),
        sealed=seal(keyring, where.to_bytes(), context=context_of(key)),
        due_at=now,
    )


def unreadable(cdr: CdrFact) -> RecordingRow:
    """The recording of a CDR that cannot be opened or read: known to exist, and nothing else."""
    return _without_file(cdr, Reason.UNREADABLE)


def context_of(key: tuple[str, str]) -> str:
    """What the whereabouts of a recording are sealed for: moved to another row they do not open."""
    return "\0".join(key)


class _Unreadable(Exception):
    """What the platform sent is no JSON object."""


def _raw(cdr: CdrFact, keyring: Keyring) -> Mapping[str, Any]:
    try:
        raw = json.loads(open_sealed(keyring, cdr.sealed, context=cdr.application))
    except ValueError:
        raise _Unreadable from None
    if not isinstance(raw, dict):
        raise _Unreadable
    return raw


def _whereabouts(raw: Mapping[str, Any]) -> Whereabouts:
    fields = Fields(raw)
    return Whereabouts(
        object_name=_read(lambda: fields.text("recordObjectName")),
        domain=_read(lambda: fields.text("recordDomain")),
        url=_read(lambda: fields.text("recordFileDownloadUrl")),
    )


def _started_at(raw: Mapping[str, Any]) -> datetime | None:
    try:
        return Fields(raw).time("recordStartTime")
    except UnreadableField:
        return None


def _read(field: Callable[[], Value]) -> Value:
    """A field, absent when it cannot be read: the other way to the file may do."""
    try:
        return field()
    except UnreadableField:
        return None


def _without_file(cdr: CdrFact, reason: Reason) -> RecordingRow:
    return RecordingRow(
        key=(cdr.key[0], nameless_sk(cdr.key[1].partition("#")[2])),
        application=cdr.application,
        state=State.NO_FILE.value,
        file="",
        received_at=cdr.received_at,
        expires_at=_expires_at(cdr),
        reason=reason.value,
        recorded_at=cdr.answered_at,
        talk_seconds=_talk_seconds(cdr),
    )


def _file(cdr: CdrFact, identity: str) -> str:
    """Key of the file: application, Beijing day of the call's end, id of its CDR, token of the object."""
    day = beijing_day(cdr.ended_at or cdr.received_at)
    record = key_part(cdr.icid) if cdr.icid else cdr.digest
    return f"{cdr.application}/{day.isoformat()}/{record}/{identity}.wav"


def _talk_seconds(cdr: CdrFact) -> int | None:
    """Talk time (§1), None when the CDR does not tell it."""
    if cdr.answered_at is None or cdr.ended_at is None or cdr.ended_at < cdr.answered_at:
        return None
    return int((cdr.ended_at - cdr.answered_at).total_seconds())


def _expires_at(cdr: CdrFact) -> int:
    return int((cdr.received_at + KEPT).timestamp())
