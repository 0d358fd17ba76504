"""From the facts of a call or an SMS to what they say together (notifications.md §9, §10).

Pure. The result depends on the set of facts alone: not on the order in which they came, how often, or in
which batches. Each source says what it knows; a CDR is believed before events, an event before our own
answer, that before the binding. An earlier stage never replaces a later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from privatenumber.platform.push_models import EventType
from privatenumber.store.call_facts import CallFacts, SmsFacts
from privatenumber.store.calls import Call, CallState
from privatenumber.store.decisions import Decision
from privatenumber.store.fact_rows import CdrFact, EventFact, is_possible_end
from privatenumber.store.messages import Message, MessageState
from privatenumber.store.orders import OrderRef
from privatenumber.store.sms_rows import SmsFact

#: Stages in the order of their rank (notifications.md §9.1).
_STAGES: Final[Mapping[str, CallState]] = {
    EventType.CALLIN: CallState.ARRIVED,
    EventType.COLLECT_INFO: CallState.COLLECTING,
    EventType.CALLOUT: CallState.CALLING,
    EventType.ALERTING: CallState.RINGING,
    EventType.ANSWER: CallState.ANSWERED,
    EventType.DISCONNECT: CallState.ENDED,
}
_RANKS: Final = {event: rank for rank, event in enumerate(_STAGES)}
_BY_RANK: Final = tuple(_STAGES.values())
_MOMENTS: Final[Mapping[str, str]] = {
    EventType.CALLOUT: "called_out_at",
    EventType.ALERTING: "alerting_at",
    EventType.ANSWER: "answered_at",
    EventType.DISCONNECT: "ended_at",
}
_SECOND_LEG: Final = (EventType.ANSWER, EventType.ALERTING, EventType.CALLOUT)
#: Results of an SMS that reached its receiver, at least in part (sms-results.csv).
_SENT: Final = frozenset({0, 9})
_NOTIFY: Final = "notify"
_VERY_LONG_S: Final = 24 * 3600

Said: TypeAlias = dict[str, Any]
"""Fields of a call or an SMS that one source knows."""


def call_of(facts: CallFacts, order: OrderRef | None = None) -> Call:
    """What the facts of a call say together; ``order`` is the binding that their subscriptionId names.

    ``facts`` hold at least an event, a CDR or a decision.
    """
    events, cdrs = in_story(facts.events), sorted(facts.cdrs, key=_counts_first)
    cdr = cdrs[0] if cdrs else None
    said: Said = {
        **_of_order(order),
        **_of_decision(facts.decision),
        **_of_events(events),
        **_of_cdr(cdr),
        "started_at": _started(facts, cdr),
        "received_at": min(_received(facts)),
    }
    talk, bad_times = _talk(said, cdr)
    impossible = cdr is not None and cdr.ended_at is not None and not _ended(cdr)
    ended_at = said.get("ended_at")
    return Call(
        **said,
        application=facts.application,
        call=facts.call,
        state=CallState.SETTLED if cdr else _stage(events),
        mode=facts.mode,
        talk_seconds=talk,
        subscription_id=subscription_of(facts),
        icids=tuple(each.icid for each in cdrs if each.icid),
        events=tuple(dict.fromkeys(event.event for event in events)),
        recorded=any(each.recorded for each in cdrs),
        recording=facts.recordings[0].state if facts.recordings else None,
        settled_after_ms=_delay_ms(cdr.received_at, ended_at) if cdr and ended_at else None,
        flags=_flags(
            [*(each.flags for each in events), *(each.flags for each in cdrs)],
            contradicted=facts.contradictions > 0,
            several_records=len(cdrs) > 1,
            bad_times=bad_times or impossible,
            very_long=talk is not None and talk > _VERY_LONG_S,
            codes_differ=_differ(said.get("state_code"), said.get("teardown")),
        ),
    )


def message_of(facts: SmsFacts, order: OrderRef | None = None) -> Message:
    """What the facts of an SMS say together: the Notify is its record, the Block its question (§6).

    ``facts`` hold at least a notice or a decision.
    """
    notices = sorted(facts.notices, key=lambda each: (not _notifies(each), each.key))
    said: Said = {**_of_order(order), **_of_decision(facts.decision, "calling", "called")}
    for notice in reversed(notices):
        said.update(_of_notice(notice))
    known = [each.at for each in notices if each.at] or ([facts.decision.at] if facts.decision else [])
    return Message(
        **said,
        application=facts.application,
        message=facts.message,
        state=_message_state(notices),
        at=min(known) if known else min(each.received_at for each in notices),
        mode=facts.mode,
        subscription_id=sms_subscription_of(facts),
        notices=tuple(sorted({each.notify_mode or "-" for each in notices})),
        flags=_flags([each.flags for each in notices], contradicted=facts.contradictions > 0),
    )


def remembered(says: Call | Message) -> OrderRef | None:
    """The binding that a row names, as it was found when the row was written."""
    if says.binding_id and says.order and says.x:
        return OrderRef(says.order, says.binding_id, says.x, says.area or "")
    return None


def subscription_of(facts: CallFacts) -> str | None:
    """The platform's id of the binding: of the CDR that counts, else of the first event that names one."""
    named = [each.subscription_id for each in sorted(facts.cdrs, key=_counts_first)]
    named += [each.subscription_id for each in in_story(facts.events)]
    return next((subscription_id for subscription_id in named if subscription_id), None)


def sms_subscription_of(facts: SmsFacts) -> str | None:
    """The platform's id of the binding that an SMS names."""
    named = sorted((each.key, each.subscription_id) for each in facts.notices if each.subscription_id)
    return named[0][1] if named else None


def in_story(events: Iterable[EventFact]) -> list[EventFact]:
    """Events in the order in which they happened; one without a time is told after all others (§9.1)."""
    return sorted(
        events,
        key=lambda event: (
            event.at is None,
            event.at or event.received_at,
            _RANKS.get(event.event, len(_RANKS)),
            event.key[1],
        ),
    )


def _of_order(order: OrderRef | None) -> Said:
    if order is None:
        return {}
    return _known(binding_id=order.binding_id, order=order.order, area=order.area or None, x=order.x)


def _of_decision(decision: Decision | None, caller: str = "caller", callee: str = "callee") -> Said:
    if decision is None:
        return {}
    return _known(
        operation=decision.operation,
        reason=decision.reason,
        caller_role=decision.caller_role,
        binding_id=decision.binding_id,
        order=decision.order,
        x=decision.x,
        **{caller: decision.caller, callee: decision.callee},
    )


def _of_events(events: Sequence[EventFact]) -> Said:
    """Times, the two people (§4.3 tells in which leg they are real) and the reason of the hang-up."""
    first = {event.event: event for event in reversed(events)}
    said = _known(**{name: first[event].at for event, name in _MOMENTS.items() if event in first})
    if EventType.CALLIN in first:
        said |= _known(caller=first[EventType.CALLIN].caller)
    for leg in _SECOND_LEG:
        if leg in first:
            said |= _known(callee=first[leg].called)
    if EventType.DISCONNECT in first:
        said |= _known(state_code=first[EventType.DISCONNECT].state_code)
    return said


def _of_cdr(cdr: CdrFact | None) -> Said:
    if cdr is None:
        return {}
    return _known(
        x=cdr.x,
        display_x=cdr.display_x,
        direction=cdr.direction,
        caller=cdr.caller,
        callee=cdr.callee,
        called_out_at=cdr.started_at,
        alerting_at=cdr.alerting_at,
        ended_at=_ended(cdr),
        teardown=cdr.teardown,
        q850=cdr.q850,
        sip=cdr.sip,
        released_by=cdr.released_by,
    ) | {"answered_at": cdr.answered_at}  # without one the call was not answered, whatever an event says


def _ended(cdr: CdrFact) -> datetime | None:
    """When a CDR says that its call ended, unless that lies ahead of its receipt (§10.2: bad times)."""
    possible = cdr.ended_at and is_possible_end(cdr.ended_at, cdr.received_at)
    return cdr.ended_at if possible else None


def _of_notice(notice: SmsFact) -> Said:
    return _known(
        x=notice.x,
        calling=notice.calling,
        called=notice.called,
        direction=notice.direction,
        send_result=notice.send_result,
        parts=notice.split_num if _notifies(notice) else None,
        parts_received=notice.parts_received,
        parts_forwarded=notice.parts_forwarded,
    )


def _known(**values: Any) -> Said:
    return {name: value for name, value in values.items() if value is not None}


def _counts_first(cdr: CdrFact) -> tuple[bool, float, str]:
    """Of several records of one call the answered one counts, of those the longest; §9.2 keeps all."""
    ended_at = _ended(cdr)
    talk = (ended_at - cdr.answered_at).total_seconds() if cdr.answered_at and ended_at else 0.0
    return cdr.answered_at is None, -talk, cdr.key[1]


def _stage(events: Sequence[EventFact]) -> CallState:
    return _BY_RANK[max((_RANKS[event.event] for event in events if event.event in _RANKS), default=0)]


def _started(facts: CallFacts, cdr: CdrFact | None) -> datetime:
    if cdr and cdr.call_in_at:
        return cdr.call_in_at
    known = [event.at for event in facts.events if event.at]
    if cdr and (ended_at := _ended(cdr)):
        known.append(ended_at)
    if facts.decision and not known:
        known.append(facts.decision.at)
    return min(known or _received(facts))


def _received(facts: CallFacts) -> list[datetime]:
    """When each fact reached us."""
    asked = [facts.decision.at] if facts.decision else []
    told = [event.received_at for event in facts.events] + [cdr.received_at for cdr in facts.cdrs]
    return asked + told


def _talk(said: Said, cdr: CdrFact | None) -> tuple[int | None, bool]:
    """Seconds of talk, and whether the times contradict each other (§10.2)."""
    answered_at, ended_at = said.get("answered_at"), said.get("ended_at")
    if answered_at and ended_at:
        talk = ended_at - answered_at
        return (None, True) if talk < timedelta() else (int(talk.total_seconds()), False)
    return (cdr.call_seconds if cdr and answered_at else None), False


def _delay_ms(received_at: datetime, ended_at: datetime) -> int:
    return max(0, round((received_at - ended_at).total_seconds() * 1000))


def _message_state(notices: Sequence[SmsFact]) -> MessageState:
    record = next((notice for notice in notices if _notifies(notice)), None)
    if record is None:
        return MessageState.ASKED
    return MessageState.SENT if record.send_result in _SENT else MessageState.NOT_SENT


def _notifies(notice: SmsFact) -> bool:
    return (notice.notify_mode or "").lower() == _NOTIFY


def _differ(state_code: int | None, teardown: int | None) -> bool:
    return state_code is not None and teardown is not None and state_code != teardown


def _flags(said: Iterable[tuple[str, ...]], **found: bool) -> tuple[str, ...]:
    of_records = {flag for flags in said for flag in flags}
    return tuple(sorted(of_records | {name for name, present in found.items() if present}))
