"""Does a row concern whom or what is to be erased? Pure, but for what has to be opened to know it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from privatenumber.erasure import kinds
from privatenumber.erasure.anonymous import named_in, people_in
from privatenumber.erasure.model import Subject, Target
from privatenumber.numbers_in_text import closed_up, unescaped
from privatenumber.privacy import SealBroken
from privatenumber.store.erasing import Hints
from privatenumber.store.webhook_events import seal_context

Unseal = Callable[[bytes, str], bytes]
People = frozenset[str]
"""Who is to be replaced in a row that is concerned; nobody, when only what is sealed has to go."""

_CHINA: Final = "+86"
_BILLS: Final = ("DAY#", "STATEMENT#", "RECONCILIATION#")
_OF_AGE: Final = frozenset({kinds.ANNOUNCEMENT, kinds.QUARANTINE})


def hints(target: Target) -> Hints:
    """Which rows can be concerned at all; of all others it need not be asked."""
    match target.subject:
        case Subject.PERSON:
            person = target.tokens | target.numbers | {target.erasure}
            return Hints(person, (*_BILLS, "JOB#", "EVENTS#", "QUARANTINE#"))
        case Subject.ORDER:
            named = {target.order or ""} | target.bindings | target.subscriptions
            return Hints(frozenset(named), _BILLS)
        case Subject.AGE:
            return Hints(prefixes=(*_BILLS, kinds.CALL, kinds.SMS, "BINDING#", "EVENTS#", "QUARANTINE#"))


def in_scope(item: Mapping[str, Any], target: Target) -> bool:
    """Whether a row belongs to the applications that are meant."""
    if kinds.untouched(item):
        return False
    application = kinds.application_of(item)
    return target.application is None or application in (None, target.application)


def concerned(item: Mapping[str, Any], target: Target, unseal: Unseal) -> People | None:
    """Who is to be replaced in a row, None when it is not concerned. Pages of bills are looked at by line."""
    if not in_scope(item, target):
        return None
    match target.subject:
        case Subject.PERSON:
            return _person(item, target, unseal)
        case Subject.ORDER:
            return people_in(item) if _of_order(item, target) else None
        case Subject.AGE:
            return people_in(item) if _of_age(item, target) else None


def line_people(line: Mapping[str, Any], target: Target, *, application: str | None) -> People:
    """Who is to be replaced in a line of a bill, which always stays."""
    if target.application not in (None, application):
        return frozenset()
    match target.subject:
        case Subject.PERSON:
            return named_in(line, target.tokens) if kinds.began_by(line, target.as_of) else frozenset()
        case Subject.ORDER:
            return people_in(line) if line.get("order") == target.order else frozenset()
        case Subject.AGE:
            old = target.before is not None and kinds.over_before(line, target.before)
            return people_in(line) if old else frozenset()


def line_numbers(line: Mapping[str, Any], target: Target, *, application: str | None) -> frozenset[str]:
    """Numbers of the person that stand in a line of a bill in clear, as X.

    A line of no application tells of all: what an X cost the account, whoever used it.
    """
    concerns = application is None or target.application in (None, application)
    meant = concerns and kinds.began_by(line, target.as_of)
    return named_in(line, target.numbers) if meant else frozenset()


def _person(item: Mapping[str, Any], target: Target, unseal: Unseal) -> People | None:
    people = named_in(item, target.tokens)
    # What came late of an erased call need not name him again to quote him.
    if people or item.get("erased") == target.erasure:
        return people
    # A push may have written him where an X belongs, which is kept in clear.
    if named_in(item, target.numbers) or quotes(item, target, unseal):
        return people
    return None


def quotes(item: Mapping[str, Any], target: Target, unseal: Unseal) -> bool:
    """Whether one of the numbers is sealed in a row that names nobody."""
    kind = kinds.kind_of(item)
    context = _context(item, kind)
    if context is None or not item.get("sealed"):
        return False
    try:
        text = unseal(bytes(item["sealed"]), context)
    except SealBroken:
        return False
    return holds_number(text, target)


def holds_number(opened: bytes, target: Target) -> bool:
    """Whether one of the numbers stands in what was opened, as it is sent or however people type it."""
    text = closed_up(unquote(unescaped(opened.decode("utf-8", "replace"))))
    return any(number.removeprefix(_CHINA) in text for number in target.numbers)


def _context(item: Mapping[str, Any], kind: str) -> str | None:
    """What is sealed in rows that can be told a person's by nothing else."""
    parts = str(item["pk"]).split("#")
    match kind:
        case kinds.JOB:
            return f"job#{parts[1]}"
        case kinds.JOB_ITEM:
            return f"job#{parts[1]}#{item['n']}"
        case kinds.ANNOUNCEMENT:
            return seal_context(item["application"], item["event"])
        case _:
            return None


def _of_order(item: Mapping[str, Any], target: Target) -> bool:
    told = json.loads(item["data"]) if kinds.kind_of(item) == kinds.ANNOUNCEMENT else item
    return (
        told.get("order") == target.order
        or any(item.get(name) in target.bindings for name in ("binding_id", "left_by"))
        or item.get("subscription_id") in target.subscriptions
    )


def _of_age(item: Mapping[str, Any], target: Target) -> bool:
    kind = kinds.kind_of(item)
    ended = kind == kinds.BINDING and item["state"] in kinds.ENDED
    wanted = ended or kinds.of_call_or_sms(item) or kind in _OF_AGE
    return wanted and target.before is not None and kinds.over_before(item, target.before)
