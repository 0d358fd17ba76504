"""Taking in after all what was refused or unreadable: notifications.md §2.3, auth.md §6."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from builders.bills import facts, rows
from builders.dynamodb import Table, moto_client, new_table
from builders.ingestion import unseal
from builders.pushes import (
    SIGNED_AT,
    application,
    callin_body,
    event_body,
    fee_body,
    many_cdrs,
    number_status_body,
    signed_headers,
    wire,
)
from integration.test_push_ingestion import Configured, Receiver
from privatenumber.calls.guard import Admitted, Arrival, DoorPolicy
from privatenumber.calls.ingest import Ingestion
from privatenumber.calls.replay import (
    ApplicationUnknown,
    EntryUnknown,
    Order,
    Outcome,
    Quarantine,
    Replayed,
    Wanted,
)
from privatenumber.calls.report import Report
from privatenumber.platform import push_fields, pushes
from privatenumber.settings import Mode, NonceCheck, PushSignature
from privatenumber.store.fact_writes import QuarantineEntry
from privatenumber.store.facts import StoreUnavailable
from privatenumber.store.quarantined import QuarantinedPush, QuarantineStore
from privatenumber.times import parse_time

DAY = date(2026, 9, 2)
LATER = SIGNED_AT + timedelta(days=3)
DAYS = Wanted("demo", first=DAY, last=DAY + timedelta(days=2))
OPERATOR = Order("arn:aws:iam::1:user/ops", "the secret was wrong")
BELIEVER = Order("arn:aws:iam::1:user/ops", "the provider confirmed it", force=True)


class Desk:
    """A receiver, and what takes in what it put apart."""

    def __init__(self, table: Table, policy: DoorPolicy | None = None) -> None:
        self.policy = policy or DoorPolicy()
        self.receiver = Receiver(table, self.policy)
        self.store = QuarantineStore(table.client, table.name)

    @property
    def applications(self) -> Configured:
        return self.receiver.applications

    @property
    def quarantine(self) -> Quarantine:
        return Quarantine(
            self.store,
            self.receiver.ingestion,
            applications=self.applications,
            unseal=unseal,
            policy=self.policy,
        )

    def replay(self, wanted: Wanted = DAYS, order: Order = OPERATOR, **changes: Any) -> Replayed:
        bounds: dict[str, Any] = {"now": LATER, "left": lambda: 60.0, "limit": 100}
        return self.quarantine.replay(wanted, order, **{**bounds, **changes})

    def entry(self) -> QuarantinedPush:
        (entry,) = self.receiver.quarantine()
        return entry


@pytest.fixture
def bills() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


@pytest.fixture
def desk(bills: Table) -> Desk:
    return Desk(bills)


def learns_noon(patch: pytest.MonkeyPatch) -> None:
    """The code is fixed: it reads the time that it could not read before."""
    patch.setattr(push_fields, "parse_time", lambda text: SIGNED_AT if text == "noon" else parse_time(text))


class TestUnreadable:
    def test_what_the_code_can_read_by_now_is_stored_as_of_its_own_time(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Original reception time and application are kept; the entry is marked and not deleted."""
        desk.receiver.push(event_body("answer", timestamp="noon"))
        assert desk.replay().outcomes == {Outcome.UNREADABLE: 1}
        assert desk.entry().replayed is False
        learns_noon(monkeypatch)
        run = desk.replay()
        (fact,) = [row for row in rows(desk.receiver.table) if row.get("kind") == "event"]
        assert (run.outcomes, run.stored) == ({Outcome.REPLAYED: 1}, 1)
        assert (fact["received_at"], fact["application"]) == ("2026-09-02T01:00:00.000Z", "demo")
        assert "flags" not in fact
        entry = desk.entry()
        assert (entry.replayed_at, entry.replayed_by, entry.why) == (LATER, OPERATOR.by, OPERATOR.why)

    def test_a_replay_leaves_what_a_good_push_had_left(
        self, desk: Desk, bills: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Through the same reading and writing; the same again changes nothing."""
        entries = many_cdrs(3)
        spoilt = [entries[0], {**entries[1], "callInTime": "noon"}, entries[2]]
        desk.receiver.push(fee_body(*spoilt), route="fee")
        learns_noon(monkeypatch)
        desk.replay()
        good = Receiver(new_table(bills.client, "BillsTable"), DoorPolicy())
        good.push(fee_body(*spoilt), route="fee")
        stored = [row for row in facts(bills) if row["kind"] != "quarantine"]
        assert stored == facts(good.table)
        assert desk.replay().outcomes == {Outcome.ALREADY: 1}

    def test_many_unreadable_entries_that_were_put_apart_as_one_are_read_one_by_one(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.receiver.push(fee_body(*({**entry, "callInTime": "noon"} for entry in many_cdrs(60))))
        learns_noon(monkeypatch)
        run = desk.replay()
        assert (run.outcomes, run.stored) == ({Outcome.REPLAYED: 1}, 60)

    def test_a_part_that_stays_unreadable_keeps_the_entry_and_the_rest_is_stored(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spoilt = [{**entry, "callInTime": "noon"} for entry in many_cdrs(60)]
        spoilt[7]["callInTime"] = "midnight"
        desk.receiver.push(fee_body(*spoilt))
        learns_noon(monkeypatch)
        run = desk.replay()
        assert (run.outcomes, run.stored) == ({Outcome.UNREADABLE: 1}, 59)
        assert (desk.entry().replayed, desk.entry().deliveries) == (False, 1)

    def test_what_was_no_push_is_read_as_one(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        body = wire(event_body("answer"))
        desk.receiver.push(b"garbled " + body)
        read = pushes._decode
        monkeypatch.setattr(pushes, "_decode", lambda raw: read(raw.removeprefix(b"garbled ")))
        assert desk.replay().stored == 1

    def test_what_came_in_unverified_stays_marked(
        self, bills: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = Desk(bills, DoorPolicy(signature=PushSignature.OPTIONAL))
        desk.receiver.push(event_body("answer", timestamp="noon"), headers={})
        learns_noon(monkeypatch)
        desk.replay()
        (fact,) = [row for row in rows(bills) if row.get("kind") == "event"]
        assert fact["flags"] == ["unverified"]

    def test_a_number_state_keeps_the_time_at_which_it_came(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else an old state would replace a newer one in the pool (notifications.md §7)."""
        desk.receiver.push(number_status_body(), headers=signed_headers(secret="tomorrows"))
        desk.applications.current = {"demo": application(secrets=("tomorrows",))}
        desk.replay()
        states = [row for row in rows(desk.receiver.table) if row.get("kind") == "number_state"]
        assert {row["sk"].partition("#")[0] for row in states} == {"2026-09-02T01:00:00.000Z"}


class TestRefused:
    def test_a_secret_that_was_corrected_lets_honest_pushes_in(self, desk: Desk) -> None:
        """auth.md §6: so that nothing is lost."""
        desk.receiver.push(event_body("answer"), headers=signed_headers(secret="tomorrows"))
        assert desk.replay().outcomes == {Outcome.REFUSED: 1}
        desk.applications.current = {"demo": application(secrets=("tomorrows",))}
        run = desk.replay()
        (fact,) = [row for row in rows(desk.receiver.table) if row.get("kind") == "event"]
        assert (run.outcomes, run.stored) == ({Outcome.REPLAYED: 1}, 1)
        assert "flags" not in fact

    def test_a_repetition_is_judged_by_the_time_at_which_its_headers_came(self, desk: Desk) -> None:
        for hours in (0, 9):
            at = SIGNED_AT + timedelta(hours=hours)
            desk.receiver.push(event_body("answer"), headers=signed_headers(at, secret="tomorrows"), at=at)
        desk.applications.current = {"demo": application(secrets=("tomorrows",))}
        assert desk.replay().stored == 1
        (fact,) = [row for row in rows(desk.receiver.table) if row.get("kind") == "event"]
        assert fact["received_at"] == "2026-09-02T01:00:00.000Z"

    @pytest.mark.parametrize(
        "headers",
        [{}, signed_headers(secret="never right"), signed_headers(SIGNED_AT - timedelta(days=2))],
    )
    def test_what_no_signature_proves_needs_somebody_who_believes_it(
        self, desk: Desk, headers: dict[str, str]
    ) -> None:
        desk.receiver.push(event_body("answer"), headers=headers)
        assert desk.replay().outcomes == {Outcome.REFUSED: 1}
        assert desk.replay(order=BELIEVER).outcomes == {Outcome.REPLAYED: 1}
        (fact,) = [row for row in rows(desk.receiver.table) if row.get("kind") == "event"]
        assert fact["flags"] == ["unverified"]

    def test_a_nonce_that_another_body_used_proves_nothing(self, bills: Table) -> None:
        """auth.md §6 step 7: the signature does not cover the body."""
        desk = Desk(bills, DoorPolicy(nonce_check=NonceCheck.ENFORCE))
        headers = signed_headers(nonce="n1")
        desk.receiver.push(event_body("answer"), headers=headers)
        desk.receiver.push(event_body("disconnect"), headers=headers)
        assert desk.replay().outcomes == {Outcome.REFUSED: 1}
        assert desk.replay(order=BELIEVER).outcomes == {Outcome.REPLAYED: 1}

    def test_a_source_that_is_not_on_the_list_is_not_made_right_by_a_signature(self, bills: Table) -> None:
        desk = Desk(bills, DoorPolicy(sources=(ip_network("198.51.100.0/24"),)))
        desk.receiver.push(event_body("answer"))
        assert desk.replay().outcomes == {Outcome.REFUSED: 1}

    def test_a_question_is_stored_and_answered_nobody(self, desk: Desk) -> None:
        desk.applications.current = {"demo": application(mode=Mode.X)}
        desk.receiver.push(callin_body(), headers=signed_headers(secret="tomorrows"))
        desk.applications.current = {"demo": application(mode=Mode.X, secrets=("tomorrows",))}
        assert desk.replay().stored == 1
        assert [row for row in rows(desk.receiver.table) if row.get("kind") == "decision"] == []

    def test_what_comes_again_after_its_replay_is_open_again(self, desk: Desk) -> None:
        desk.receiver.push(event_body("answer"), headers={})
        desk.replay(order=BELIEVER)
        desk.receiver.push(event_body("answer"), headers={}, at=LATER + timedelta(hours=1))
        assert desk.entry().replayed is False


class TestWhich:
    def _three(self, desk: Desk) -> list[QuarantinedPush]:
        for number, headers in enumerate(({}, signed_headers(secret="wrong"), signed_headers())):
            body: Any = event_body("answer", sessionId=f"s{number}") if number < 2 else b"not json"
            desk.receiver.push(body, headers=headers, at=SIGNED_AT + timedelta(seconds=number))
        return desk.receiver.quarantine()

    def test_one_or_all_of_a_reason_or_all_of_some_days(self, desk: Desk) -> None:
        entries = self._three(desk)
        one = next(entry for entry in entries if entry.reason == "refused: digest")
        assert desk.replay(Wanted("demo", body=one.body), BELIEVER).entries == [(one.body, Outcome.REPLAYED)]
        reason = Wanted("demo", first=DAY, last=DAY, reason="refused: token_header_missing")
        assert desk.replay(reason, BELIEVER).outcomes == {Outcome.REPLAYED: 1}
        assert desk.replay(order=BELIEVER).outcomes == {Outcome.ALREADY: 2, Outcome.UNREADABLE: 1}
        assert desk.replay(Wanted("demo", first=DAY, last=DAY - timedelta(days=1))).entries == []

    def test_a_run_that_has_no_more_time_says_where_to_go_on(self, desk: Desk) -> None:
        self._three(desk)
        done, wanted = 0, DAYS
        for _ in range(4):
            run = desk.replay(wanted, BELIEVER, limit=1)
            done += len(run.entries)
            wanted = Wanted("demo", first=DAY, last=DAYS.last, after=run.cursor)
        assert (done, run.finished) == (3, True)
        late = desk.replay(left=lambda: 0.0)
        assert (late.entries, late.finished) == ([], False)

    def test_pages_show_what_there_is(self, desk: Desk) -> None:
        self._three(desk)
        found, cursor = desk.quarantine.page(DAYS, limit=2)
        rest, last = desk.quarantine.page(Wanted("demo", first=DAY, last=DAYS.last, after=cursor), limit=2)
        assert ((len(found), len(rest)), last) == ((2, 1), None)

    def test_an_entry_or_application_that_is_unknown_is_said_to_be(self, desk: Desk) -> None:
        with pytest.raises(EntryUnknown):
            desk.replay(Wanted("demo", body="a" * 26))
        with pytest.raises(EntryUnknown):
            desk.quarantine.entry("demo", "a" * 26)
        with pytest.raises(ApplicationUnknown):
            desk.replay(Wanted("nobody", body="a" * 26))

    def test_what_the_table_does_not_take_keeps_nothing_behind_it_waiting(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, *others = [entry.body for entry in self._in_order(desk, self._three(desk))]
        fail_for(monkeypatch, desk, {first})
        run = desk.replay(order=BELIEVER)
        assert run.entries[0] == (first, Outcome.UNAVAILABLE)
        assert [body for body, _ in run.entries[1:]] == others
        assert (run.finished, run.halted) == (True, False)
        monkeypatch.undo()
        assert desk.replay(Wanted("demo", body=first), BELIEVER).outcomes[Outcome.UNAVAILABLE] == 0

    def test_a_table_that_takes_nothing_ends_the_run_after_a_few(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(5):
            desk.receiver.push(event_body("answer", sessionId=f"s{number}"), headers={})
        fail_for(monkeypatch, desk, {entry.body for entry in desk.receiver.quarantine()})
        run = desk.replay(order=BELIEVER)
        assert run.outcomes == {Outcome.UNAVAILABLE: 3}
        assert (run.finished, run.halted, run.cursor is None) == (False, True, False)

    def test_one_entry_that_the_table_does_not_take_is_an_error(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entry, *_ = self._three(desk)
        fail_for(monkeypatch, desk, {entry.body})
        with pytest.raises(StoreUnavailable):
            desk.replay(Wanted("demo", body=entry.body), BELIEVER)

    def _in_order(self, desk: Desk, entries: list[QuarantinedPush]) -> list[QuarantinedPush]:
        found, _ = desk.quarantine.page(DAYS, limit=100)
        assert {entry.body for entry in found} == {entry.body for entry in entries}
        return found

    def test_an_entry_that_came_again_while_it_was_replayed_is_replayed(self, desk: Desk) -> None:
        """It was read after it had come: what was taken in is its latest delivery."""
        began = SIGNED_AT - timedelta(seconds=1)
        desk.receiver.push(event_body("answer"), headers={}, at=SIGNED_AT)
        assert desk.replay(order=BELIEVER, now=began).outcomes == {Outcome.REPLAYED: 1}
        assert desk.entry().replayed

    def test_an_entry_whose_seal_is_broken_is_told_apart(self, desk: Desk) -> None:
        desk.receiver.push(event_body("answer"), headers={})
        entry = desk.entry()
        desk.receiver.store.put_facts((), quarantined=[_altered(entry)])
        assert desk.replay(order=BELIEVER).outcomes == {Outcome.UNOPENABLE: 1}


def fail_for(patch: pytest.MonkeyPatch, desk: Desk, bodies: set[str]) -> None:
    """Let the table refuse what these entries hold, as it does under contention."""
    held = {
        unseal(entry.sealed, "demo").partition(b"\n")[2]
        for entry in desk.receiver.quarantine()
        if entry.body in bodies
    }
    again = Ingestion.again

    def refusing(self: Ingestion, arrival: Arrival, admitted: Admitted) -> Report:
        if arrival.body in held:
            raise StoreUnavailable("contention")
        return again(self, arrival, admitted)

    patch.setattr(Ingestion, "again", refusing)


def _altered(entry: QuarantinedPush) -> QuarantineEntry:
    return QuarantineEntry(
        entry.application, entry.body, entry.reason, entry.route, entry.sealed[:-1] + b"!", entry.first_at
    )
