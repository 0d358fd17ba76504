"""Records that were imported from the console because their push never came, beside those that were pushed.

An imported record stands under a sort key of its own and claims no icid, so the push of it is still taken as
what it is when it comes after all. From then on the imported one is no record of its day any more: whichever
comes first, and however often, it is charged once (billing-rules.md §9.3, `missing_push`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from privatenumber.store.fact_rows import NO_SESSION, CdrFact, key_part
from privatenumber.store.sms_rows import SmsFact

CONSOLE: Final = "console"
"""The origin of an imported record, and the flag by which it is known."""

_SUFFIX: Final = "#CONSOLE"
_BESIDE: Final = "beside:"

#: An export's times may differ so much from those of a push (billing-rules.md §9.3).
CALL_TOLERANCE: Final = timedelta(seconds=2)
SMS_TOLERANCE: Final = timedelta(seconds=60)

Fact = TypeVar("Fact", CdrFact, SmsFact)


def imported_cdr_sort(record_id: str) -> str:
    """Sort key of an imported CDR."""
    return f"CDR#{key_part(record_id)}{_SUFFIX}"


def imported_sms_sort() -> str:
    """Sort key of an imported SMS."""
    return f"Notify{_SUFFIX}"


def is_imported(fact: CdrFact | SmsFact) -> bool:
    """Whether a record came from the console."""
    return is_imported_address("/".join(fact.key))


def is_imported_address(address: str) -> bool:
    """The same, of the address of a record: its keys with ``/`` between them."""
    sort = address.partition("/")[2]
    return sort.endswith(_SUFFIX) or f"{_SUFFIX}#" in sort


def flags_of_import(beside: int) -> list[str]:
    """The flags of an imported record; ``beside`` counts pushed ones that looked the same and were others."""
    return [CONSOLE] if not beside else [f"{_BESIDE}{beside}", CONSOLE]


@dataclass(frozen=True, slots=True)
class Lookups:
    """How records are found: by icid, in the partition of their call or SMS, and around a moment."""

    icid_known: Callable[[str, str], bool]
    call: Callable[[str, str], Iterable[object]]
    sms: Callable[[str], Iterable[SmsFact]]
    cdrs_between: Callable[[str, datetime, datetime], Iterable[CdrFact]]
    sms_between: Callable[[str, datetime, datetime], Iterable[SmsFact]]


def cdr_came(fact: CdrFact, find: Lookups) -> bool:
    """Whether the push of an imported CDR is there: by its icid, its session, or X, caller and end."""
    if fact.icid is not None and find.icid_known(fact.application, fact.icid):
        return True
    if fact.session is not None:
        of_call = find.call(fact.application, fact.key[0].split("#", 2)[2])
        cdrs = [each for each in of_call if isinstance(each, CdrFact) and not is_imported(each)]
        if any(_may_be(fact, each) for each in cdrs):
            return True
    return _overtaken(fact, similar_cdrs(fact, find))


def sms_came(fact: SmsFact, find: Lookups) -> bool:
    """Whether the notice of an imported SMS is there: by its id, or X, sender and time."""
    of_id = () if _unnamed(fact) else find.sms(fact.key[0])
    if any(not is_imported(each) for each in of_id if each.notify_mode == "Notify"):
        return True
    return _overtaken(fact, similar_sms(fact, find))


def similar_cdrs(fact: CdrFact, find: Lookups) -> list[CdrFact]:
    """CDRs, imported or pushed, of the same X and caller that end within two seconds, in a stable order.

    A row that hides its caller is the same call when it began to be talked and ended at the very same times.
    """
    if fact.ended_at is None:
        return []
    near = find.cdrs_between(fact.application, fact.ended_at - CALL_TOLERANCE, fact.ended_at + CALL_TOLERANCE)
    same = (each for each in near if each.x == fact.x and _same_caller(fact, each) and _may_be(fact, each))
    return sorted(same, key=lambda each: (each.ended_at or each.received_at, each.key))


def similar_sms(fact: SmsFact, find: Lookups) -> list[SmsFact]:
    """SMS, imported or pushed, of the same X and sender within a minute, in a stable order.

    A row that hides its sender is the same SMS when it came in the very same second.
    """
    if fact.at is None:
        return []
    near = find.sms_between(fact.application, fact.at - SMS_TOLERANCE, fact.at + SMS_TOLERANCE)
    same = (each for each in near if each.x == fact.x and _same_sender(fact, each) and _either(fact, each))
    return sorted(same, key=lambda each: (each.at or each.received_at, each.key))


def _may_be(imported: CdrFact, other: CdrFact) -> bool:
    """Two icids are two records; whoever has none may be the other."""
    return imported.icid is None or other.icid is None or imported.icid == other.icid


def _same_caller(imported: CdrFact, other: CdrFact) -> bool:
    if imported.caller is not None:
        return imported.caller == other.caller
    return (imported.answered_at, imported.ended_at) == (other.answered_at, other.ended_at)


def _same_sender(imported: SmsFact, other: SmsFact) -> bool:
    if imported.calling is not None:
        return imported.calling == other.calling
    both = (imported.at, other.at)
    return len({at and int(at.timestamp()) for at in both}) == 1


def _either(imported: SmsFact, other: SmsFact) -> bool:
    """Two ids are two SMS; whoever has none may be the other."""
    return _unnamed(imported) or _unnamed(other) or imported.key[0] == other.key[0]


def _unnamed(fact: SmsFact) -> bool:
    return fact.key[0].split("#", 2)[2].startswith(NO_SESSION)


def _overtaken(fact: Fact, similar: list[Fact]) -> bool:
    """Whether there are as many pushed records as imported ones up to this, without those known before."""
    before = next((int(flag.removeprefix(_BESIDE)) for flag in fact.flags if flag.startswith(_BESIDE)), 0)
    pushed = sum(not is_imported(each) for each in similar)
    imported = [each.key for each in similar if is_imported(each)]
    place = imported.index(fact.key) if fact.key in imported else 0
    return pushed - before > place
