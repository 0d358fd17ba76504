"""The judge of facts sees one that is lost, altered, doubled, made up, or forgotten without a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.keyrings import KEYRING
from emulator.deliveries import Attempt, Delivery, DeliveryState
from privatenumber.privacy import seal
from storm.judges.facts import Entry, entries_in, judge_facts, judge_numbers
from storm.judges.verdict import Verdict
from storm.orders import person
from storm.platform import app_key, x_numbers

NOW = datetime(2026, 9, 14, tzinfo=UTC)
APP = "storm-axb"
X = x_numbers("AXB")[0]
CALL = {
    "eventType": "callin",
    "statusInfo": {"sessionId": "one", "caller": person(1), "notifyMode": "Notify"},
}
ASKED = {"eventType": "callin", "statusInfo": {"sessionId": "two", "notifyMode": "Block"}}
CDR = {"eventType": "fee", "feeLst": [{"icid": "i1", "sessionId": "one", "callerNum": person(1)}]}
SMS = {"smsEvent": {"smsIdentifier": "s1", "notificationMode": "Notify", "calling": person(2)}}
STATE = {"eventType": "numStatus", "numInfo": [{"number": X, "status": "9"}]}


def typed(digits: str) -> dict[str, Any]:
    return {"eventType": "collectInfo", "statusInfo": {"sessionId": "one", "digitInfo": digits}}


@dataclass
class Bench:
    """A platform that pushed, and our rows. What it pushed was taken once, and is stored."""

    log: list[Delivery] = field(default_factory=list)
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    acknowledged: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def pusher(self) -> Bench:
        return self

    def push(self, body: dict[str, Any], *, status: int | None = 200, stored: bool = True) -> Bench:
        at = NOW + timedelta(minutes=len(self.log))
        attempt = Attempt(at, status, None, manual=False)
        one = Delivery(f"p{len(self.log)}", app_key("AXB"), "status", "", body, {}, NOW)
        one.state, one.attempts = DeliveryState.DELIVERED, [attempt]
        self.log.append(one)
        if status == 200:
            self.acknowledged.append((one.app_key, body))
        for entry in entries_in(one.app_key, body, KEYRING) if stored else ():
            self.store(entry, at=str(len(self.log)))
        return self

    def store(self, entry: Entry, *, says: Any = None, sk: str = "", at: str = "1", **more: Any) -> None:
        pk, name = entry.place
        kind = {"EV": "event", "CD": "cdr", "No": "sms", "": "number_state"}[name[:2]]
        text = json.dumps(says) if says else entry.says
        told = {"icid": json.loads(text)["icid"]} if kind == "cdr" else {}
        state = {"x": X, "status": "9"} if kind == "number_state" else {}
        self.rows[pk, sk or name or at] = {
            **{"kind": kind, "application": APP, "sealed": seal(KEYRING, text.encode(), context=APP)},
            **told,
            **state,
            **more,
        }

    def judged(self, forgotten: tuple[str, str] | None = None) -> Verdict:
        emulator: Any = self
        return judge_facts(emulator, self.acknowledged, self.rows, KEYRING, forgotten)


def entry_of(body: dict[str, Any]) -> Entry:
    (entry,) = entries_in(app_key("AXB"), body, KEYRING)
    return entry


@pytest.mark.parametrize(
    "body", [CALL, CDR, SMS, STATE, typed("12")], ids=["event", "cdr", "sms", "state", "digits"]
)
class TestOneFact:
    def test_what_was_told_and_stored_is_in_order(self, body: dict[str, Any]) -> None:
        assert Bench().push(body).judged().holds

    def test_what_was_acknowledged_and_is_missing_is_a_breach(self, body: dict[str, Any]) -> None:
        assert not Bench().push(body, stored=False).judged().holds

    def test_what_was_refused_need_not_be_stored(self, body: dict[str, Any]) -> None:
        assert Bench().push(SMS | {"n": 1}).push(body, status=503, stored=False).judged().holds

    def test_other_words_than_the_platforms_are_a_breach(self, body: dict[str, Any]) -> None:
        bench = Bench().push(body, stored=False)
        entry = entry_of(body)
        bench.store(entry, says={**json.loads(entry.says), "userData": "other"})
        assert not bench.judged().holds

    def test_a_fact_that_does_not_open_is_a_breach(self, body: dict[str, Any]) -> None:
        bench = Bench().push(body)
        for row in bench.rows.values():
            row["sealed"] = b""
        assert not bench.judged().holds


def test_a_fact_that_nobody_sent_is_a_breach() -> None:
    bench = Bench().push(CALL)
    bench.store(entry_of(CDR))
    assert not bench.judged().holds


def test_a_fact_that_stands_twice_is_a_breach() -> None:
    bench = Bench().push(CDR)
    bench.store(entry_of(CDR), sk="CDR#i1#VARIANT#d")
    assert not bench.judged().holds


def test_a_record_under_two_calls_is_a_breach() -> None:
    bench = Bench().push(CDR).push({"feeLst": [{"icid": "i1", "sessionId": "another"}]})
    assert not bench.judged().holds


def test_a_question_need_not_be_stored_but_is_not_made_up() -> None:
    assert Bench().push(CALL).push(ASKED, stored=False).judged().holds
    bench = Bench().push(CALL)
    bench.store(entry_of(ASKED))
    assert not bench.judged().holds


def test_each_attempt_to_type_an_extension_is_a_fact() -> None:
    bench = Bench().push(typed("12"), stored=False).push(typed("34"), stored=False)
    bench.store(entry_of(typed("12")), sk="EVENT#collectInfo#now#d1")
    assert not bench.judged().holds
    bench.store(entry_of(typed("34")), sk="EVENT#collectInfo#now#d2")
    assert bench.judged().holds


def test_a_state_is_stored_as_often_as_it_was_taken() -> None:
    assert Bench().push(STATE).push(STATE).judged().holds
    assert not Bench().push(STATE).push(STATE, stored=False).judged().holds
    bench = Bench().push(STATE)
    bench.store(entry_of(STATE), at="7")
    assert not bench.judged().holds


class TestErasure:
    """Whose number it was may be empty, and nobody else's."""

    def emptied(self, mark: str) -> Bench:
        bench = Bench().push(CALL).push(SMS)
        row = bench.rows[entry_of(CALL).place]
        row["sealed"], row["erased"] = b"", mark
        return bench

    def test_a_fact_of_the_person_may_be_empty(self) -> None:
        assert self.emptied("e1").judged((person(1), "e1")).holds

    def test_a_fact_of_somebody_else_may_not(self) -> None:
        assert not self.emptied("e1").judged((person(2), "e1")).holds

    def test_nor_one_that_another_erasure_marks(self) -> None:
        assert not self.emptied("e2").judged((person(1), "e1")).holds
        assert not self.emptied("e1").judged().holds


class TestNumbers:
    """Our pool follows the last word that came."""

    def wrong(
        self, state: str, *, at: str = "2", returned: frozenset[str] = frozenset(), app: str = APP
    ) -> list[str]:
        numbers = {(f"X#{X}", "NUMBER"): {"application": app, "state": state, "status_at": at}}
        told = {"kind": "number_state", "application": APP, "x": X}
        facts = {("N", "1"): {**told, "status": "5"}, ("N", "2"): {**told, "status": "9"}}
        return judge_numbers(numbers, facts, returned)

    def test_a_number_is_what_was_told_last(self) -> None:
        assert self.wrong("suspended") == []
        assert self.wrong("active")

    def test_it_knows_since_when(self) -> None:
        assert self.wrong("suspended", at="1")

    def test_only_one_that_was_given_back_is_retired(self) -> None:
        assert self.wrong("retired")
        assert self.wrong("retired", returned=frozenset({X})) == []

    def test_a_state_of_a_number_of_somebody_else_is_told(self) -> None:
        assert self.wrong("suspended", app="storm-ax")
