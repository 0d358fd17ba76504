"""Looking calls and SMS up: lists by binding, order, X, person or time, and all that is known of one call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from privatenumber.calls.diagnosis.explaining import explain, explain_sms
from privatenumber.calls.diagnosis.model import Diagnosis
from privatenumber.calls.masking import masked
from privatenumber.calls.own_x import with_own_x
from privatenumber.calls.relations import Unseal
from privatenumber.calls.story import Line, story_of
from privatenumber.calls.timeline import call_of, message_of, remembered
from privatenumber.phone import normalise
from privatenumber.privacy import Keyring, token
from privatenumber.settings import Application
from privatenumber.store import calls, messages
from privatenumber.store.audit import Entry
from privatenumber.store.call_facts import FactReader
from privatenumber.store.call_search import PERSON, CallSearch, Index, Kind, Place
from privatenumber.store.calls import Call, CallRow, read_call
from privatenumber.store.evidence import EvidenceStore
from privatenumber.store.messages import Message, MessageRow, read_message

#: A text is told with a call of its binding when it came so shortly before or after.
NEAR: Final = timedelta(minutes=10)
#: Versions of the binding are told with a call when they came so shortly before or after.
AROUND: Final = timedelta(hours=1)
_MESSAGES: Final = 20
_IDENTITY: Final = re.compile(r"[a-z2-7]{26}|hash[a-z2-7]{26}", re.ASCII)
T = TypeVar("T")


class CallUnknown(Exception):
    """Nothing has arrived of a call with this session or id."""


class MessageUnknown(Exception):
    """Nothing has arrived of an SMS with this id."""


class Filter(StrEnum):
    """By what calls are looked for."""

    BINDING = "binding"
    ORDER = "order"
    X = "x"
    NUMBER = "number"


_INDEXES: Final[Mapping[Filter, tuple[Index, ...]]] = {
    Filter.BINDING: (Index.BINDING,),
    Filter.ORDER: (Index.ORDER,),
    Filter.X: (Index.X,),
    Filter.NUMBER: PERSON,
}


@dataclass(frozen=True, slots=True)
class Search:
    """A search. Without a filter the time is bounded on both sides; ``before`` is where a page ended."""

    application: str
    filter: Filter | None = None
    value: str | None = field(default=None, repr=False)
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """A call or SMS with the numbers of its people, masked (numbers.md §6)."""

    says: T
    people: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Newest first; ``next`` is where the next page begins, None behind the last one."""

    rows: Sequence[Shown[T]]
    next: str | None


@dataclass(frozen=True, slots=True)
class CallStory:
    """All that is known of a call: what it says, its story in order, and what it means."""

    call: Shown[Call]
    story: tuple[Line, ...]
    diagnosis: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True)
class MessageStory:
    """All that is known of an SMS: what it says, and what it means."""

    message: Shown[Message]
    diagnosis: tuple[Diagnosis, ...]


class Lookup:
    """Finds calls and SMS. Raises botocore's errors and Withheld."""

    def __init__(
        self,
        search: CallSearch,
        facts: FactReader,
        evidence: EvidenceStore,
        *,
        applications: Callable[[], Mapping[str, Application]],
        keyring: Callable[[], Keyring],
        unseal: Unseal,
    ) -> None:
        self._search = search
        self._facts = facts
        self._evidence = evidence
        self._applications = applications
        self._keyring = keyring
        self._unseal = unseal

    def calls(self, wanted: Search) -> Page[Call]:
        """Calls, newest first. Raises InvalidNumber."""
        items, further = self._find(Kind.CALL, wanted)
        return Page([self._shown_call(read_call(item)) for item in items], further)

    def messages(self, wanted: Search) -> Page[Message]:
        """SMS, newest first. Raises InvalidNumber."""
        items, further = self._find(Kind.SMS, wanted)
        return Page([self._shown_message(read_message(item)) for item in items], further)

    def call(self, application: str, identity: str) -> CallStory:
        """One call by its id or the platform's sessionId. Raises CallUnknown.

        It is computed from its facts, so the row may be behind.
        """
        found = identity
        if not _IDENTITY.fullmatch(identity):
            found = token(self._keyring(), identity, purpose="session")
        facts = self._facts.call(application, found)
        if not facts:
            raise CallUnknown
        order = remembered(facts.row.says) if facts.row else None
        call = with_own_x(call_of(facts, order), order, self._evidence.is_ours)
        shown = Shown(call, self._shown_call(facts.row).people if facts.row else {})
        configured = self._applications().get(application)
        return CallStory(
            shown,
            story_of(facts, call, messages=self._near(call), versions=self._versions(call)),
            explain(self._evidence, self._unseal, configured, found) if configured else (),
        )

    def message(self, application: str, identity: str) -> MessageStory:
        """One SMS by its id or the platform's smsIdentifier. Raises MessageUnknown."""
        found = identity
        if not _IDENTITY.fullmatch(identity):
            found = token(self._keyring(), identity, purpose="sms")
        facts = self._facts.sms(application, found)
        if not facts:
            raise MessageUnknown
        if facts.row:
            shown = self._shown_message(facts.row)
        else:
            shown = Shown(with_own_x(message_of(facts), None, self._evidence.is_ours), {})
        configured = self._applications().get(application)
        return MessageStory(shown, explain_sms(self._evidence, configured, found) if configured else ())

    def _find(self, kind: Kind, wanted: Search) -> tuple[list[dict[str, Any]], str | None]:
        places = self._places(kind, wanted)
        further = places[-1].moment if len(places) == wanted.limit else None
        return self._search.rows(places), further

    def _places(self, kind: Kind, wanted: Search) -> list[Place]:
        if wanted.filter is None or wanted.value is None:
            if wanted.since is None or wanted.until is None:
                raise ValueError("a search without filter needs both ends of its time")
            return self._search.newest_of_days(
                kind,
                wanted.application,
                since=wanted.since,
                until=wanted.until,
                before=wanted.before,
                limit=wanted.limit,
            )
        return self._search.newest(
            kind,
            wanted.application,
            _INDEXES[wanted.filter],
            self._key(wanted.filter, wanted.value),
            since=wanted.since,
            until=wanted.until,
            before=wanted.before,
            limit=wanted.limit,
        )

    def _key(self, by: Filter, value: str) -> str:
        if by is Filter.NUMBER:
            return token(self._keyring(), normalise(value, field="number", service=True))
        return normalise(value, field="x", service=True) if by is Filter.X else value

    def _near(self, call: Call) -> list[Message]:
        """SMS of the same binding around a call."""
        if call.binding_id is None:
            return []
        wanted = Search(
            call.application,
            Filter.BINDING,
            call.binding_id,
            since=call.started_at - NEAR,
            until=(call.ended_at or call.started_at) + NEAR,
            limit=_MESSAGES,
        )
        return [shown.says for shown in self.messages(wanted).rows]

    def _versions(self, call: Call) -> list[Entry]:
        """What happened to the call's binding around it."""
        if call.binding_id is None:
            return []
        first, last = call.started_at - AROUND, (call.ended_at or call.started_at) + AROUND
        return [entry for entry in self._evidence.versions(call.binding_id) if first <= entry.at <= last]

    def _shown_call(self, row: CallRow) -> Shown[Call]:
        context = calls.sealed_context(row.says.application, row.says.call)
        return Shown(row.says, masked(row.sealed, context, self._unseal))

    def _shown_message(self, row: MessageRow) -> Shown[Message]:
        context = messages.sealed_context(row.says.application, row.says.message)
        return Shown(row.says, masked(row.sealed, context, self._unseal))
