"""From pushes in any order to statistics: what happened, and what billing finds too (C-121, U-S18)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from builders.chronicled import Chronicled
from builders.dynamodb import moto_client, new_table
from builders.pushes import APP_ID, SIGNED_AT, cdr_entry, event_body, fee_body, sms_body
from privatenumber.billing.rating.calls import billed_minutes, talk_time
from privatenumber.calls.counting import DayCounting
from privatenumber.calls.statistics import OUTCOMES, Group, together
from privatenumber.store.call_search import CallSearch
from privatenumber.store.facts import FactStore
from privatenumber.store.milestones import MilestoneReader
from privatenumber.store.statistics import StatisticsStore
from privatenumber.store.whereabouts import Whereabouts
from privatenumber.times import platform_time

DAY = date(2026, 9, 2)
BEGIN = datetime(2026, 9, 2, 1, tzinfo=SIGNED_AT.tzinfo)
FAILURES = (8101, 8102, 7503, 8104, 7502, 8014)


class Pushed:
    """Eight calls and four texts as the platform pushes them, and what they come to."""

    def __init__(self, chance: Random) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.truth: Counter[str] = Counter()
        for n in range(8):
            begin = BEGIN + timedelta(minutes=7 * n)
            answered = chance.random() < 0.6
            self._call(n, begin, chance.randrange(1, 200) if answered else None, chance.choice(FAILURES))
        for n, (result, parts) in enumerate([(0, 1), (0, 3), (9, 1), (2, 1)]):
            self._text(n, result, parts)

    def _call(self, n: int, begin: datetime, talk_s: int | None, code: int) -> None:
        ends = begin + timedelta(seconds=10 + (talk_s or 0))
        session: dict[str, Any] = {"sessionId": f"1200_{n}_session@host"}
        times = {"callInTime": begin, "fwdStartTime": begin, "fwdAlertingTime": begin + timedelta(seconds=3)}
        times |= {"callEndTime": ends}
        told: dict[str, Any] = {name: platform_time(moment) for name, moment in times.items()}
        if talk_s is None:
            told |= {"fwdAnswerTime": None, "ulFailReason": code, "failTime": platform_time(ends)}
            told |= {"recordFlag": None, "recordObjectName": None}
        else:
            told |= {"fwdAnswerTime": platform_time(begin + timedelta(seconds=10))}
            self.truth.update(connected=1, duration_s=talk_s, billed_minutes=-(-talk_s // 60))
        self.bodies.append(fee_body(cdr_entry(**session, **told, icid=f"icid-{n}")))
        state = {"stateCode": 0 if talk_s is not None else code}
        self.bodies.append(event_body("callin", **session, timestamp=platform_time(begin)))
        self.bodies.append(event_body("disconnect", **session, **state, timestamp=platform_time(ends)))
        self.truth["attempts"] += 1

    def _text(self, n: int, result: int, parts: int) -> None:
        self.bodies.append(sms_body(parts=str(parts), smsIdentifier=f"sms-{n}", sendResult=result))
        sent = {0: "sms_success", 9: "sms_partial"}.get(result, "sms_failed")
        self.truth.update({"sms_sends": 1, sent: 1, "sms_parts": parts if result in (0, 9) else 0})


@pytest.fixture
def desk() -> Iterator[Chronicled]:
    with moto_client() as client:
        yield Chronicled(new_table(client, "BillsTable"))


def counted(desk: Chronicled) -> Counter[str]:
    """All of the day in one line, out of the rows."""
    client, bindings = desk.bills.client, new_table(desk.bills.client)
    store = StatisticsStore(client, desk.bills.name)
    counting = DayCounting(
        CallSearch(client, desk.bills.name),
        MilestoneReader(client, bindings.name),
        store,
        lambda application: Whereabouts(),
        kept_days=400,
    )
    assert counting.count(APP_ID, DAY, as_of=BEGIN + timedelta(days=1), left=lambda: 1.0)
    head = store.head(APP_ID, DAY)
    assert head
    found: Counter[str] = Counter()
    for _, _, counts in store.lines(head, Group.TOTAL) or ():
        together(found, counts)
    return found


def test_whatever_order_pushes_come_in_statistics_tell_what_happened(desk: Chronicled) -> None:
    """Duplicates, disorder, events before and after their CDR; the same as billing rates from the CDRs."""
    chance = Random(20260902)
    pushed = Pushed(chance)
    arriving = pushed.bodies + chance.sample(pushed.bodies, 8)
    chance.shuffle(arriving)
    for body in arriving:
        assert desk.receive(body) == 200
    facts = desk.stored()
    chance.shuffle(facts)
    desk.follow(facts + chance.sample(facts, 5))
    found = counted(desk)
    assert {name: found[name] for name in pushed.truth} == dict(pushed.truth)
    assert found["attempts"] == found["connected"] + sum(found[name] for name in OUTCOMES)
    rated = [talk_time(cdr) for cdr in FactStore(desk.bills.client, desk.bills.name).cdrs_of_day(APP_ID, DAY)]
    talked = [talk.seconds for talk in rated if talk.connected]
    assert (len(rated), len(talked)) == (found["attempts"], found["connected"])
    assert (sum(talked), sum(map(billed_minutes, talked))) == (found["duration_s"], found["billed_minutes"])
