"""Reading what a job is asked to be: every rule that concerns the job and not one of its items.

Errors name the field and the rule, never the value: it may be a person's number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from privatenumber.bindings.checks import read_party
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.jobs_model import (
    FILES,
    KEPT_DAYS,
    MAX_ITEM_BYTES,
    MAX_LISTED,
    NUDGE,
    JobCommand,
    JobState,
    Kind,
    seal_people,
)
from privatenumber.bindings.model import Party
from privatenumber.bindings.numbers import private_number
from privatenumber.bindings.references import check_why, contains_number
from privatenumber.bindings.release import LONGEST_GRACE_S
from privatenumber.bindings.waiting import check_wait
from privatenumber.privacy import token
from privatenumber.store.job_rows import JobRow
from privatenumber.times import iso

_FILE: Final = re.compile(r"jobs/[A-Za-z0-9._/-]{1,200}", re.ASCII)
_LISTS: Final = (Kind.BIND, Kind.CHANGE, Kind.RELEASE)
_PERSONS: Final = (Kind.RELEASE_PERSON, Kind.REPLACE_PERSON)


def read_job(engine: Engine, command: JobCommand) -> JobRow:
    """Check what is asked for and make the job of it. Raises InvalidRequest."""
    engine.platforms(command.application)
    _check_sources(command)
    if not 0 <= command.grace_seconds <= LONGEST_GRACE_S:
        raise InvalidRequest("grace_seconds", f"must be 0 to {LONGEST_GRACE_S} (one day)")
    check_wait(command.wait_seconds, "wait_seconds")
    people = _people(engine, command)
    check_why(command.reason)
    if command.reason and contains_number(command.reason, *people.values()):
        raise InvalidRequest("why", "must not contain a phone number: it stays in the audit")
    x = _number(engine, command) if command.kind is Kind.DRAIN_NUMBER else None
    identity = _job_id(engine, command)
    now = engine.clock()
    params = {
        "file": command.file,
        "created_before": command.created_before and iso(command.created_before),
        "x": x,
        "move": command.move or None,
        "release_reason": command.release_reason.value,
        "grace_seconds": command.grace_seconds,
        "wait_seconds": command.wait_seconds,
    }
    return JobRow(
        id=identity,
        kind=command.kind.value,
        application=command.application,
        state=JobState.PLANNING.value,
        version=1,
        created_at=now,
        created_by=command.created_by,
        content_hash=_content_hash(engine, command, people, x),
        expires_at=int((now + timedelta(days=KEPT_DAYS)).timestamp()),
        params={name: value for name, value in params.items() if value is not None},
        reason=command.reason,
        sealed=seal_people(engine.keyring, identity, people),
        due_at=None if command.items is not None else now + NUDGE,
    )


def _check_sources(command: JobCommand) -> None:
    """Each kind names its own: a list, a file or a moment, a person, or an X."""
    lists = command.kind in _LISTS
    given = [name for name in ("items", "file", "created_before") if getattr(command, name) is not None]
    if lists and len(given) != 1:
        raise InvalidRequest("items", "give either items or file (release: or created_before)")
    allowed = {
        "items": lists,
        "file": lists,
        "created_before": command.kind is Kind.RELEASE,
        "number": command.kind in _PERSONS,
        "replacement": command.kind is Kind.REPLACE_PERSON,
        "x": command.kind is Kind.DRAIN_NUMBER,
    }
    for name, fits in allowed.items():
        value = getattr(command, name)
        if value is not None and not fits:
            raise InvalidRequest(name, f"does not exist in a job of kind {command.kind.value}")
        if value is None and fits and name not in ("items", "file", "created_before"):
            raise InvalidRequest(name, f"is required in a job of kind {command.kind.value}")
    if command.move and command.kind is not Kind.DRAIN_NUMBER:
        raise InvalidRequest("move", f"does not exist in a job of kind {command.kind.value}")
    if command.created_before and command.created_before.tzinfo is None:
        raise InvalidRequest("created_before", "must have a time zone")
    if command.file is not None and (
        not _FILE.fullmatch(command.file) or ".." in command.file or contains_number(command.file)
    ):
        raise InvalidRequest("file", f"must be the key of a file below {FILES}, without a phone number")
    _check_items(command.items or ())


def _check_items(items: tuple[str, ...]) -> None:
    if len(items) > MAX_LISTED:
        raise InvalidRequest("items", f"must be at most {MAX_LISTED}; more come as a file")
    if any(len(text.encode()) > MAX_ITEM_BYTES for text in items):
        raise InvalidRequest("items", f"an item has at most {MAX_ITEM_BYTES} bytes")


def _people(engine: Engine, command: JobCommand) -> dict[str, Party]:
    texts = {"number": command.number, "replacement": command.replacement}
    people = {role: read_party(text, role, engine.keyring) for role, text in texts.items() if text}
    if len({who.token for who in people.values()}) < len(people):
        raise InvalidRequest("replacement", "must be another number than number")
    return people


def _number(engine: Engine, command: JobCommand) -> str:
    """The X to be drained, which must be a number of the application."""
    x = private_number(command.x or "", field="x")
    number = engine.numbers.get(x)
    if number is None or number.application != command.application:
        raise InvalidRequest("x", "is not a number of this application")
    return x


def _job_id(engine: Engine, command: JobCommand) -> str:
    """The same for every repetition of a request; its letters and digits never look like a number."""
    return "j" + token(engine.keyring, f"{command.application}\0{command.idempotency_key}", purpose="job")


def _content_hash(engine: Engine, command: JobCommand, people: Mapping[str, Party], x: str | None) -> str:
    content: dict[str, Any] = {
        "kind": command.kind.value,
        "items": command.items,
        "file": command.file,
        "created_before": command.created_before and iso(command.created_before),
        "people": {role: who.number for role, who in people.items()},
        "x": x,
        "move": command.move,
        "release_reason": command.release_reason.value,
        "grace_seconds": command.grace_seconds,
        **({} if command.wait_seconds is None else {"wait_seconds": command.wait_seconds}),
    }
    return token(engine.keyring, json.dumps(content, sort_keys=True), purpose="job content")
