"""The judge of the worklist sees a case that is missing, one too many, and one that does not end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.keyrings import KEYRING
from emulator.deliveries import Delivery, DeliveryState
from privatenumber.times import iso
from storm.judges.facts import entries_in
from storm.judges.verdict import Verdict
from storm.judges.worklist import judge_settled, judge_worklist
from storm.platform import app_key

NOW = datetime(2026, 9, 15, tzinfo=UTC)
CDR = {"feeLst": [{"icid": "i1", "sessionId": "one"}]}
SMS = {"smsEvent": {"smsIdentifier": "s1", "notificationMode": "Notify"}}
DISCONNECT = {"eventType": "disconnect", "statusInfo": {"sessionId": "one"}}
Rows = dict[tuple[str, str], dict[str, Any]]


def place(body: dict[str, Any]) -> tuple[str, str]:
    (entry,) = entries_in(app_key("AXB"), body, KEYRING)
    return entry.place


def rows(body: dict[str, Any], *names: str, received: datetime = NOW) -> Rows:
    return {(place(body)[0], name): {"received_at": iso(received)} for name in names}


def case(kind: str, body: dict[str, Any], state: str = "open", **more: Any) -> Rows:
    row = {"kind": "case", "case": kind, "state": state, "about": [place(body)[0], "CALL"]}
    looked = {"changed_at": iso(NOW - timedelta(days=1)), "due_at": iso(NOW - timedelta(hours=7))}
    return {("WORKLIST#storm-axb", f"{kind}-1"): {**row, **looked, **more}}


def judged(
    body: dict[str, Any], stored: Rows, *, state: DeliveryState = DeliveryState.GIVEN_UP, hours: int = 12
) -> Verdict:
    push = Delivery("p", app_key("AXB"), "fee", "", body, {}, NOW - timedelta(hours=hours), state)
    emulator: Any = type("Emulator", (), {"pusher": type("Pusher", (), {"log": [push]})})
    return judge_worklist(emulator, stored, KEYRING, frozenset({"ours"}), NOW)


@pytest.mark.parametrize("state", [DeliveryState.GIVEN_UP, DeliveryState.LOST])
@pytest.mark.parametrize(
    ("body", "here", "kind"),
    [
        (CDR, ("EVENT#callin", "EVENT#disconnect", "CALL"), "cdr-missing"),
        (CDR, ("EVENT#callin", "CALL"), "call-unended"),
        (CDR, ("DECISION", "CALL"), "call-unended"),
        (DISCONNECT, ("EVENT#callin", "CALL"), "call-unended"),
        (SMS, ("Block", "MESSAGE"), "notice-missing"),
    ],
    ids=["ended", "began", "decided", "hang-up", "sms"],
)
def test_what_will_not_come_is_a_case(
    body: dict[str, Any], here: tuple[str, ...], kind: str, state: DeliveryState
) -> None:
    assert judged(body, rows(body, *here) | case(kind, body), state=state).holds
    assert not judged(body, rows(body, *here), state=state).holds
    assert not judged(body, rows(body, *here) | case("binding-unknown", body), state=state).holds


def test_nobody_can_miss_what_he_never_heard_of() -> None:
    assert not judged(CDR, {}).breaches


def test_it_takes_its_time() -> None:
    assert not judged(CDR, rows(CDR, "EVENT#callin"), hours=10).breaches


def test_an_event_is_not_missed_once_the_record_is_here() -> None:
    assert judged(DISCONNECT, rows(DISCONNECT, "EVENT#callin", "CDR#i1")).holds


def test_a_case_whose_record_came_has_to_end() -> None:
    came = rows(CDR, "CDR#i1", received=NOW - timedelta(hours=20))
    assert not judged(CDR, came | case("cdr-missing", CDR)).holds
    assert judged(CDR, came | case("cdr-missing", CDR, "resolved")).holds


def test_but_not_before_it_is_looked_at_again() -> None:
    came = rows(CDR, "CDR#i1", received=NOW - timedelta(hours=1))
    soon = {"changed_at": iso(NOW - timedelta(hours=2)), "due_at": iso(NOW - timedelta(hours=5))}
    assert judged(CDR, came | case("cdr-missing", CDR, **soon)).holds
    late = {"changed_at": iso(NOW - timedelta(minutes=30)), "due_at": iso(NOW + timedelta(hours=5))}
    assert not judged(CDR, came | case("cdr-missing", CDR, **late)).holds


@pytest.mark.parametrize("state", ["resolved", "dismissed", "expired"])
def test_a_case_does_not_end_for_nothing(state: str) -> None:
    stored = rows(CDR, "EVENT#callin", "EVENT#disconnect")
    assert not judged(CDR, stored | case("cdr-missing", CDR, state)).holds


def test_a_case_of_a_binding_that_is_ours_has_to_end() -> None:
    assert not judged(CDR, case("binding-unknown", CDR, what="ours")).holds
    assert judged(CDR, case("binding-unknown", CDR, what="foreign")).holds


def test_a_case_that_nothing_could_raise_is_a_breach() -> None:
    assert not judged(CDR, case("pushes-silent", CDR)).holds


@pytest.mark.parametrize(
    ("kind", "ends"),
    [("cdr-missing", True), ("notice-missing", True), ("call-unended", False), ("binding-unknown", False)],
)
def test_an_import_settles_what_an_export_can_bring(kind: str, *, ends: bool) -> None:
    verdict = Verdict("worklist", "", judged=1)
    judge_settled(verdict, case(kind, CDR))
    assert verdict.holds is not ends
    verdict = Verdict("worklist", "", judged=1)
    judge_settled(verdict, case(kind, CDR, "resolved"))
    assert verdict.holds
