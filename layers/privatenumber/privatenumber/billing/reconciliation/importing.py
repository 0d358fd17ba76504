"""Rows of the console whose push never came, imported as facts (billing-rules.md §9.3, `missing_push`).

They are marked as what they are, rated like the others, and may be imported again and again: a row is always
the same fact. When the push comes after all it counts instead (`store.imported_facts`). A row that nobody
could recognise then, or whose push may still be on its way, is not imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber.billing.ledger import Ledger
from privatenumber.billing.reconciliation.call_tables import row_talk_seconds, shown_id
from privatenumber.billing.reconciliation.cells import ImportedNumber
from privatenumber.billing.reconciliation.event_checks import LATE_WINDOW
from privatenumber.billing.reconciliation.exports_in import ImportedCall, ImportedSms
from privatenumber.billing.reconciliation.rows_to_import import (
    ImportedRow,
    Importing,
    ImportResult,
    LeftOut,
    OwnNumbers,
    RowToImport,
)
from privatenumber.numbers_in_text import holds_number
from privatenumber.privacy import Keyring, seal, token
from privatenumber.store.fact_rows import (
    NO_SESSION,
    NewFact,
    call_key,
    day_key,
    key_part,
    read_cdr,
    shard_of,
    sms_key,
)
from privatenumber.store.imported_facts import (
    CONSOLE,
    cdr_came,
    flags_of_import,
    imported_cdr_sort,
    imported_sms_sort,
    is_imported,
    similar_cdrs,
    similar_sms,
    sms_came,
)
from privatenumber.store.sms_rows import read_sms
from privatenumber.times import beijing_day, iso, platform_time

_AT_ONCE: Final = 25


def import_rows(ledger: Ledger, rows: Iterable[RowToImport], importing: Importing) -> ImportResult:
    """Import rows. May be repeated.

    Raises StoreUnavailable; then some rows may be stored, and the same call again completes it.
    """
    result, numbers = ImportResult(), OwnNumbers(ledger.inventory, ledger.numbers)
    waiting, seen = list[NewFact](), set[tuple[str, str]]()
    for wanted in rows:
        try:
            fact = _fact(ledger, wanted, numbers, importing)
            if (fact.pk, fact.sk) in seen:
                raise LeftOut("another row of the file says the same, and no id tells them apart")
        except LeftOut as error:
            result.leave_out(wanted.row.line, str(error))
            continue
        seen.add((fact.pk, fact.sk))
        waiting.append(fact)
        if len(waiting) == _AT_ONCE:
            _store(ledger, waiting, result)
            waiting = []
    _store(ledger, waiting, result)
    return result


def _store(ledger: Ledger, facts: list[NewFact], result: ImportResult) -> None:
    if facts:
        written = ledger.facts.put_facts(facts)
        result.counts["imported"] += len(written.stored)
        result.counts["repeated"] += len(written.duplicates)
        result.counts["conflicts"] += len(written.conflicts)


def _fact(ledger: Ledger, wanted: RowToImport, numbers: OwnNumbers, importing: Importing) -> NewFact:
    row = wanted.row
    x = numbers.x(row.x)
    application = _application(ledger, row, x, wanted.event, numbers)
    at = row.ended_at if isinstance(row, ImportedCall) else row.at
    if importing.at < at + LATE_WINDOW:
        raise LeftOut("its push may still come: the late window is not over")
    if isinstance(row, ImportedCall):
        return _cdr(ledger, row, x, application, wanted, importing)
    return _sms(ledger, row, x, application, wanted, importing)


def _application(ledger: Ledger, row: ImportedRow, x: str, event: str | None, numbers: OwnNumbers) -> str:
    by_key = ledger.account.applications
    if row.app_key and row.app_key in by_key:
        return by_key[row.app_key]
    return numbers.application(x) if event is None else event.split("#", 2)[1]


def _cdr(
    ledger: Ledger,
    row: ImportedCall,
    x: str,
    application: str,
    wanted: RowToImport,
    importing: Importing,
) -> NewFact:
    keyring = ledger.keyring()
    icid = shown_id(row.record_id)
    session = _session(keyring, row, wanted.event)
    if session is None and icid is None and row.caller.masked:
        raise LeftOut("neither a record id nor the whole caller: its push could not be recognised")
    talk = row_talk_seconds(row)
    if talk is None:
        raise LeftOut("no length is told: export the answer time, the duration or the minutes too")
    if row.answered_at and row.answered_at > row.ended_at:
        raise LeftOut("answer_time: behind end_time")
    answered = row.answered_at is not None or talk > 0
    content = _content(row, x, wanted.nth, row.answered_at, row.ended_at, talk)
    digest = token(keyring, content, purpose="content")
    raw = _entry(row, x, icid, talk if answered else None)
    attributes = {
        "icid": icid,
        "session": session,
        "subscription_id": _opaque(keyring, row.binding_id),
        "x": x,
        "caller": _token(keyring, row.caller),
        "callee": _token(keyring, row.callee),
        "call_in_at": row.call_in_at and iso(row.call_in_at),
        "answered_at": row.answered_at and iso(row.answered_at),
        "ended_at": iso(row.ended_at),
        "failed_at": None if answered else iso(row.ended_at),
        "recorded": False,
        "call_seconds": talk if answered else None,
        **_day("CDR", application, row.ended_at, icid or session or digest, spread=session),
    }
    key = (call_key(application, session or f"{NO_SESSION}{digest}"), imported_cdr_sort(icid or digest))
    new = _new(ledger, key, "cdr", application, digest, raw, attributes, importing)
    fact, find = read_cdr({"pk": key[0], "sk": key[1], **new.item}), ledger.facts.lookups
    if (icid or session) and cdr_came(fact, find):
        raise LeftOut("its push has come")
    beside = 0 if icid else sum(not is_imported(each) for each in similar_cdrs(fact, find))
    return _flagged(new, beside)


def _entry(row: ImportedCall, x: str, icid: str | None, talk: int | None) -> dict[str, Any]:
    """The row as an entry of a fee push."""
    return {
        "appKey": row.app_key,
        "icid": icid,
        "bindNum": x,
        "subscriptionId": row.binding_id,
        "callerNum": _whole(row.caller),
        "calleeNum": x,
        "fwdDstNum": _whole(row.callee),
        "callInTime": row.call_in_at and platform_time(row.call_in_at),
        "fwdAnswerTime": row.answered_at and platform_time(row.answered_at),
        "callEndTime": platform_time(row.ended_at),
        "callDuration": talk,
        "recordFlag": 0,
    }


def _sms(
    ledger: Ledger,
    row: ImportedSms,
    x: str,
    application: str,
    wanted: RowToImport,
    importing: Importing,
) -> NewFact:
    keyring = ledger.keyring()
    if row.sms_id is None and row.sender.masked:
        raise LeftOut("neither an SMS id nor the whole sender: its push could not be recognised")
    identifier = token(keyring, row.sms_id, purpose="sms") if row.sms_id else None
    digest = token(keyring, _content(row, x, wanted.nth, row.at, row.parts), purpose="content")
    result = 0 if row.parts else None
    event = {
        "smsIdentifier": row.sms_id,
        "notificationMode": "Notify",
        "calling": _whole(row.sender),
        "called": _whole(row.receiver),
        "virtualNumber": x,
        "timeStamp": iso(row.at),
        "sendResult": result,
        "extInfo": {"extParas": [{"key": "splitNum", "value": str(row.parts)}]},
    }
    raw = {"appKey": row.app_key, "smsEvent": {k: v for k, v in event.items() if v is not None}}
    attributes = {
        "sms": identifier,
        "notify_mode": "Notify",
        "at": iso(row.at),
        "x": x,
        "calling": _token(keyring, row.sender),
        "called": _token(keyring, row.receiver),
        "send_result": result,
        "split_num": row.parts,
        **_day("SMS", application, row.at, identifier or digest),
    }
    key = (sms_key(application, identifier or f"{NO_SESSION}{digest}"), imported_sms_sort())
    new = _new(ledger, key, "sms", application, digest, raw, attributes, importing)
    fact, find = read_sms({"pk": key[0], "sk": key[1], **new.item}), ledger.facts.lookups
    if identifier is not None and sms_came(fact, find):
        raise LeftOut("its push has come")
    beside = 0 if identifier else sum(not is_imported(each) for each in similar_sms(fact, find))
    return _flagged(new, beside)


def _new(
    ledger: Ledger,
    key: tuple[str, str],
    kind: str,
    application: str,
    digest: str,
    raw: Mapping[str, Any],
    attributes: Mapping[str, Any],
    importing: Importing,
) -> NewFact:
    mode = ledger.modes.get(application)
    told = json.dumps({name: value for name, value in raw.items() if value is not None})
    item = {
        **{name: value for name, value in attributes.items() if value is not None},
        "kind": kind,
        "origin": CONSOLE,
        "mode": mode.value if mode else None,
        "application": application,
        "digest": digest,
        "received_at": iso(importing.at),
        "imported_by": importing.by,
        "import_file": importing.file,
        "sealed": seal(ledger.keyring(), told.encode(), context=application),
        "expires_at": int((importing.at + importing.kept).timestamp()),
        "flags": flags_of_import(0),
    }
    # Not of the kind of a pushed CDR, which would claim its icid.
    return NewFact(*key, CONSOLE, digest, {name: value for name, value in item.items() if value is not None})


def _flagged(new: NewFact, beside: int) -> NewFact:
    return NewFact(new.pk, new.sk, new.kind, new.digest, {**new.item, "flags": flags_of_import(beside)})


def _session(keyring: Keyring, row: ImportedCall, event: str | None) -> str | None:
    """The token of the call's session: by its hang-up event, else by a record id that is no icid."""
    if event is not None:
        call = event.partition("/")[0].split("#", 2)[2]
        return None if call.startswith(NO_SESSION) else call
    if row.record_id and shown_id(row.record_id) is None:
        return token(keyring, row.record_id, purpose="session")
    return None


def _content(row: ImportedRow, x: str, nth: int, *more: object) -> str:
    """What a row says, in one spelling: the same row of another file is the same fact, the next is not."""
    told = (*more, f"nth:{nth}") if nth > 1 else more
    if isinstance(row, ImportedCall):
        return repr(("call", row.record_id, row.binding_id, x, row.caller.text, *told))
    return repr(("sms", row.sms_id, x, row.sender.text, *told))


def _whole(number: ImportedNumber | None) -> str | None:
    return None if number is None or number.masked else number.text


def _token(keyring: Keyring, number: ImportedNumber | None) -> str | None:
    whole = _whole(number)
    return token(keyring, whole) if whole else None


def _opaque(keyring: Keyring, value: str | None) -> str | None:
    """An id of the platform, or its token when a number may be written in it."""
    if value and holds_number(value):
        return f"~{token(keyring, value, purpose='id')}"
    return value


def _day(
    kind: str, application: str, at: datetime, identity: str, *, spread: str | None = None
) -> dict[str, str]:
    key = day_key(kind, application, beijing_day(at), shard_of(spread or identity))
    return {"day_key": key, "day_sort": f"{iso(at)}#{key_part(identity)}"}
