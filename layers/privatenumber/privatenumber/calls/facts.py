"""From what a push says to the facts that are stored: keys, digest, Beijing day, tokens, sealed raw.

A person's number and a sessionId leave this room only as tokens or sealed (design.md §6). Equal facts have
equal keys and digests, however and whenever they are delivered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from privatenumber.calls.reception import Reception
from privatenumber.calls.sms_text import addressed, with_sender
from privatenumber.phone import is_global
from privatenumber.platform.pushes import CallEvent, Cdr, Entry, EventType, NumberStatus, SmsNotice
from privatenumber.privacy import Keyring, open_sealed, seal
from privatenumber.settings import Mode
from privatenumber.sms_parts import size_of
from privatenumber.store.fact_rows import (
    NO_SESSION,
    NewFact,
    call_key,
    day_key,
    is_possible_end,
    key_part,
    number_key,
    shard_of,
    sms_key,
)
from privatenumber.times import beijing_day, iso

__all__ = ["Reception", "fact_of", "open_raw"]

#: `direction` of an SMS in AX: others to A, A to others (notifications.md §6.2).
TO_A, FROM_A = 0, 1


def fact_of(entry: Entry, reception: Reception) -> NewFact:
    """The fact that an entry of a push states."""
    if isinstance(entry, Cdr):
        return _cdr_fact(entry, reception)
    if isinstance(entry, CallEvent):
        return _event_fact(entry, reception)
    if isinstance(entry, NumberStatus):
        return _number_fact(entry, reception)
    return _sms_fact(entry, reception)


def open_raw(keyring: Keyring, application: str, sealed: bytes) -> Any:
    """What the platform sent, from the sealed raw of a fact: the entry of the list, or the whole event."""
    return json.loads(open_sealed(keyring, sealed, context=application))


def _event_fact(event: CallEvent, reception: Reception) -> NewFact:
    digest = reception.digest(event.content)
    session = reception.token(event.session_id, "session")
    at = event.timestamp or reception.received_at
    people = (event.session_id, event.caller, event.called)
    event_type = reception.code(event.event_type, people) or ""
    subscription_id = reception.opaque(event.subscription_id, people)
    sk = f"EVENT#{key_part(event_type)}"
    if event.event_type == EventType.COLLECT_INFO:
        # Each attempt to type an extension is an event of its own (notifications.md §9.2).
        moment = iso(event.timestamp) if event.timestamp else "-"
        sk += f"#{moment}#{reception.token(event.digits, 'digits') or '-'}"
    day = {}
    if event.ends_call:
        day = _day("END", reception.application, at, session or digest)
    return _fact(
        pk=call_key(reception.application, session or f"{NO_SESSION}{digest}"),
        sk=sk,
        kind="event",
        digest=digest,
        raw=event.raw,
        reception=reception,
        flags=_flags(
            reception,
            orphan=reception.orphan(event.subscription_id),
            foreign_number=event.foreign_numbers,
        ),
        attributes={
            "event": event_type,
            "session": session,
            "at": _moment(event.timestamp),
            "subscription_id": subscription_id,
            "caller": reception.token(event.caller),
            "called": reception.token(event.called),
            "state_code": event.state_code,
            **day,
        },
    )


def _cdr_fact(cdr: Cdr, reception: Reception) -> NewFact:
    digest = reception.digest(cdr.content)
    session = reception.token(cdr.session_id, "session")
    x, display = (_private(number, cdr.caller, cdr.callee) for number in (cdr.x, cdr.display))
    people = (cdr.session_id, cdr.caller, cdr.callee)
    icid = reception.opaque(cdr.icid, people)
    at = reception.received_at
    if cdr.ended_at and is_possible_end(cdr.ended_at, at):
        at = cdr.ended_at
    return _fact(
        pk=call_key(reception.application, session or f"{NO_SESSION}{digest}"),
        sk=f"CDR#{key_part(icid) if icid else '-'}",
        kind="cdr",
        digest=digest,
        raw=cdr.raw,
        reception=reception,
        flags=_flags(
            reception,
            orphan=reception.orphan(cdr.subscription_id),
            foreign_number=cdr.foreign_numbers,
            x_unreadable=x is None,
        ),
        attributes={
            "mode": reception.mode and reception.mode.value,
            "icid": icid,
            "session": session,
            "subscription_id": reception.opaque(cdr.subscription_id, people),
            "x": x,
            "display_x": display,
            "direction": cdr.direction,
            "caller": reception.token(cdr.caller),
            "callee": reception.token(cdr.callee),
            "call_in_at": _moment(cdr.call_in_at),
            "started_at": _moment(cdr.started_at),
            "alerting_at": _moment(cdr.alerting_at),
            "answered_at": _moment(cdr.answered_at),
            "ended_at": _moment(cdr.ended_at),
            "failed_at": _moment(cdr.failed_at),
            "teardown": cdr.teardown,
            "q850": cdr.q850,
            "sip": cdr.sip,
            "recorded": cdr.recorded,
            "released_by": cdr.released_by,
            "call_seconds": cdr.call_seconds,
            # Those of one call stand together, so that whoever reads a part of the day sees all of them.
            **_day("CDR", reception.application, at, icid or session or digest, spread=session),
        },
    )


def _number_fact(state: NumberStatus, reception: Reception) -> NewFact:
    digest = reception.digest(state.content)
    return _fact(
        pk=number_key(reception.application, state.number),
        # The push has neither time nor id: every arrival is a fact (notifications.md §7, §9.2).
        sk=f"{iso(reception.received_at)}#{digest}",
        kind="number_state",
        digest=digest,
        raw=state.raw,
        reception=reception,
        flags=reception.flags,
        attributes={
            "x": state.number,
            "status": reception.code(state.status),
            "cause": reception.code(state.cause),
        },
    )


def _sms_fact(sms: SmsNotice, reception: Reception) -> NewFact:
    digest = reception.digest(sms.content)
    identifier = reception.token(sms.sms_id, "sms")
    notify_mode = reception.code(sms.notify_mode, (sms.sms_id, sms.calling, sms.called))
    at = reception.received_at
    if sms.timestamp and is_possible_end(sms.timestamp, at):
        at = sms.timestamp
    x = _private(sms.x, sms.calling, sms.called)
    # The Notify is the record of an SMS (notifications.md §1); the question has no outcome yet.
    day = {} if sms.asks else _day("SMS", reception.application, at, identifier or digest)
    return _fact(
        pk=sms_key(reception.application, identifier or f"{NO_SESSION}{digest}"),
        sk=key_part(notify_mode or "-"),
        kind="sms",
        digest=digest,
        raw=sms.raw,
        reception=reception,
        flags=_flags(
            reception,
            orphan=reception.orphan(sms.subscription_id),
            foreign_number=sms.foreign_numbers,
            x_unreadable=x is None,
        ),
        attributes={
            "mode": reception.mode and reception.mode.value,
            "sms": identifier,
            "notify_mode": notify_mode,
            "at": _moment(sms.timestamp),
            "subscription_id": reception.opaque(sms.subscription_id, (sms.sms_id, sms.calling, sms.called)),
            "x": x,
            "calling": reception.token(sms.calling),
            "called": reception.token(sms.called),
            "send_result": sms.send_result,
            "split_num": sms.parts,
            "direction": sms.direction,
            **_text(sms, reception),
            **day,
        },
    )


def _text(sms: SmsNotice, reception: Reception) -> dict[str, Any]:
    """What the text says without saying it: parts as it came and as it is forwarded, A's ``@number``.

    In AX the platform takes ``@number`` off A's text and appends the sender to what others write
    (notifications.md §6.1); what the customer's answer let pass is forwarded as it came.
    """
    if sms.text is None:
        return {}
    if reception.mode is not Mode.AX:
        return _sizes(sms.text, sms.text)
    if sms.direction == TO_A:
        altered = with_sender(sms.text, sms.calling) if sms.calling else None
        return {**_sizes(sms.text, altered), "sender_appended": True if altered else None}
    if sms.direction == FROM_A:
        read = addressed(sms.text)
        return {
            **_sizes(sms.text, read.text),
            "at_number": read.ending.value,
            "at_fault": read.fault and read.fault.value,
            "receiver": reception.token(read.receiver),
        }
    return _sizes(sms.text, None)


def _sizes(received: str, forwarded: str | None) -> dict[str, Any]:
    """What it takes to count the parts of both texts, under whatever limits."""
    return {
        "size_received": size_of(received).note(),
        "size_forwarded": None if forwarded is None else size_of(forwarded).note(),
    }


def _fact(
    *,
    pk: str,
    sk: str,
    kind: str,
    digest: str,
    raw: Mapping[str, Any],
    reception: Reception,
    flags: tuple[str, ...],
    attributes: Mapping[str, Any],
) -> NewFact:
    raw_text = json.dumps(raw, separators=(",", ":")).encode()
    item = {
        **{name: value for name, value in attributes.items() if value is not None},
        "kind": kind,
        "application": reception.application,
        "digest": digest,
        "received_at": iso(reception.received_at),
        "sealed": seal(reception.keyring, raw_text, context=reception.application),
        "expires_at": reception.expires_at(texts=kind == "sms"),
    }
    if flags:
        item["flags"] = list(flags)
    return NewFact(pk, sk, kind, digest, item)


def _private(number: str | None, *people: str | None) -> str | None:
    """A number that may stand in clear: a mainland one that is none of the two people of the record.

    The number shown to the callee is the real caller in one arrangement of AX (ax.md, calleeNumDisplay).
    """
    return number if number and is_global(number) and number not in people else None


def _flags(reception: Reception, **found: bool) -> tuple[str, ...]:
    return tuple(sorted({*reception.flags, *(name for name, present in found.items() if present)}))


def _day(
    kind: str, application: str, at: datetime, identity: str, *, spread: str | None = None
) -> dict[str, str]:
    key = day_key(kind, application, beijing_day(at), shard_of(spread or identity))
    return {"day_key": key, "day_sort": f"{iso(at)}#{key_part(identity)}"}


def _moment(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
