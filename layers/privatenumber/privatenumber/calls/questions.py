"""Which pushes are questions, and what they ask (notifications.md §4.5, §6.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from privatenumber.calls.answers import Answer, close, discard
from privatenumber.calls.guard import MAX_BODY_BYTES
from privatenumber.calls.sms_text import AtNumber, addressed
from privatenumber.platform.pushes import (
    BLOCK,
    CallEvent,
    EventType,
    NotAPush,
    Push,
    PushKind,
    SmsNotice,
    parse_push,
)
from privatenumber.settings import Application, Mode


@dataclass(frozen=True, slots=True)
class Question:
    """A question to be answered in the same request.

    ``caller`` and ``x`` are `None` when the question does not say them readably; ``calling`` is the sender
    of an SMS as he was written, ``ending`` what its text says about the receiver, if there is a text.
    ``foreign``: it names another application than the one whose signature it has.
    """

    kind: PushKind
    application: Application
    caller: str | None = field(default=None, repr=False)
    x: str | None = field(default=None, repr=False)
    calling: str | None = field(default=None, repr=False)
    ending: AtNumber | None = None
    foreign: bool = False

    @property
    def call(self) -> bool:
        """A call; otherwise an SMS."""
        return self.kind is PushKind.EVENT

    @property
    def asked_by_mode(self) -> bool:
        """Whether the application's mode asks this at all."""
        return self.application.mode in ({Mode.X} if self.call else {Mode.AX, Mode.X})

    def default(self) -> Answer:
        """The careful answer: nobody is connected, nothing is forwarded (x.md §2, §4)."""
        return close(self.application.close_tone) if self.call else discard()


def question_in(push: Push, application: Application) -> Question | None:
    """The question that a push to an application is, `None` for a push that only tells.

    A push that cannot be read is a question all the same when it says so. Whose ``appKey`` an SMS carries
    decides where it is stored (§2.4); what it may be told is only what its signature stands for.
    """
    for entry in push.entries:
        if isinstance(entry, CallEvent) and _asks(entry, application):
            return Question(push.kind, application, entry.caller, entry.called)
        if isinstance(entry, SmsNotice) and entry.asks:
            return Question(
                push.kind,
                application,
                entry.calling,
                entry.x,
                _as_written(entry.raw),
                ending=addressed(entry.text).ending if entry.text is not None else None,
                foreign=bool(entry.app_key) and entry.app_key != application.app_key,
            )
    if any(_says_so(push.kind, bad.raw) for bad in push.bad):
        return Question(push.kind, application)
    return None


def may_ask(body: bytes) -> bool:
    """Whether a body, not read yet, may be a question: it has its word, or that of a call of X mode."""
    words = BLOCK.encode(), EventType.CALLIN.value.encode()
    return len(body) <= MAX_BODY_BYTES and any(word in body.lower() for word in words)


def careful_answer(body: bytes) -> tuple[PushKind, Answer] | None:
    """The careful answer to a question of which nobody knows whose it is: no tone; `None`: it only tells."""
    if not may_ask(body):
        return None
    try:
        push = parse_push(body)
    except NotAPush:
        return None
    asks = any(isinstance(entry, CallEvent | SmsNotice) and entry.asks for entry in push.entries)
    if not asks and not any(_says_so(push.kind, bad.raw) for bad in push.bad):
        return None
    return push.kind, close(None) if push.kind is PushKind.EVENT else discard()


def _asks(event: CallEvent, application: Application) -> bool:
    """In X mode a call asks also when it leaves out the word for it: there is no other kind (§4.2)."""
    silent = not event.notify_mode and event.event_type == EventType.CALLIN
    return event.asks or (silent and application.mode is Mode.X)


def _as_written(raw: Mapping[str, Any]) -> str | None:
    calling = _member(raw, "smsEvent").get("calling")
    return calling if isinstance(calling, str) else None


def _says_so(kind: PushKind, raw: Any) -> bool:
    if not isinstance(raw, dict):
        return False
    if kind is PushKind.EVENT:
        word = _member(raw, "statusInfo").get("notifyMode")
    elif kind is PushKind.SMS:
        word = _member(raw, "smsEvent").get("notificationMode")
    else:
        return False
    return isinstance(word, str) and word.strip().lower() == BLOCK


def _member(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = raw.get(name)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else {}
