"""What can be told outside: every type of announcement, with what it means to whom it is told.

A type is ``<family>.<what happened>``. A webhook asks for single types, for a family (``call.*``) or for all
(``*``); a type that is added here reaches those who asked for its family, so none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

EVERYTHING: Final = "*"


class AnnouncementType(StrEnum):
    """Types of announcements."""

    CALL_STARTED = "call.started"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    CALL_RECORDED = "call.recorded"
    CALL_CHANGED = "call.changed"
    CALL_ORPHAN = "call.orphan"
    SMS_ASKED = "sms.asked"
    SMS_FORWARDED = "sms.forwarded"
    SMS_FAILED = "sms.failed"
    RECORDING_ARCHIVED = "recording.archived"
    RECORDING_FAILED = "recording.failed"
    NUMBER_STATE = "number.state"
    BINDING_REQUESTED = "binding.requested"
    BINDING_ACTIVE = "binding.active"
    BINDING_CHANGED = "binding.changed"
    BINDING_MOVED = "binding.moved"
    BINDING_RELEASING = "binding.releasing"
    BINDING_RELEASED = "binding.released"
    BINDING_FAILED = "binding.failed"
    WEBHOOK_PING = "webhook.ping"

    @property
    def family(self) -> str:
        """What stands before the point."""
        return self.value.partition(".")[0]


DESCRIPTIONS: Final[Mapping[AnnouncementType, str]] = {
    AnnouncementType.CALL_STARTED: "Somebody called an X number.",
    AnnouncementType.CALL_ANSWERED: "The called side answered.",
    AnnouncementType.CALL_ENDED: "The call is over, with why and by whom; talked or not.",
    AnnouncementType.CALL_RECORDED: "The call detail record arrived: times and talk seconds are final.",
    AnnouncementType.CALL_CHANGED: "A fact that came late changed what was told of an ended call.",
    AnnouncementType.CALL_ORPHAN: "Somebody called an X without a binding that would connect him.",
    AnnouncementType.SMS_ASKED: "The platform asked what to do with a text, and was answered.",
    AnnouncementType.SMS_FORWARDED: "A text was passed on to its receiver.",
    AnnouncementType.SMS_FAILED: "A text was not passed on, with the reason.",
    AnnouncementType.RECORDING_ARCHIVED: "A recording is in the archive and may be fetched.",
    AnnouncementType.RECORDING_FAILED: "It is certain that a call has no recording, with the reason.",
    AnnouncementType.NUMBER_STATE: "The platform changed the state of an X number.",
    AnnouncementType.BINDING_REQUESTED: "A binding is being made; whether it will be is not known yet.",
    AnnouncementType.BINDING_ACTIVE: "A binding is in force.",
    AnnouncementType.BINDING_CHANGED: "People, end, direction or callee of a binding changed.",
    AnnouncementType.BINDING_MOVED: "A binding went to another X number.",
    AnnouncementType.BINDING_RELEASING: "A binding is being released.",
    AnnouncementType.BINDING_RELEASED: "A binding is over, with the reason.",
    AnnouncementType.BINDING_FAILED: "A binding was not made, with the reason.",
    AnnouncementType.WEBHOOK_PING: "A test, on request; sent to one webhook whatever it asks for.",
}


def patterns() -> frozenset[str]:
    """Everything that a webhook may ask for: a type, a family, all."""
    asked = [type_ for type_ in AnnouncementType if type_ is not AnnouncementType.WEBHOOK_PING]
    return frozenset({EVERYTHING, *map(str, asked), *(f"{type_.family}.*" for type_ in asked)})


def asks_for(patterns_asked: Iterable[str], type_: str) -> bool:
    """Whether one who asked for these patterns is told of a type."""
    return not {EVERYTHING, type_, f"{type_.partition('.')[0]}.*"}.isdisjoint(patterns_asked)
