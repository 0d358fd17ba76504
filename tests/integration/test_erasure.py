"""Erasing a person, an order and what is old (users.md U-S12, U-N16, U-D23; operations.md §13)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest

from builders.bills import rows
from builders.calls import CALL
from builders.dynamodb import local_client, new_table
from builders.erasing import (
    APP,
    FILE,
    LATER,
    ORDER,
    TOKENS,
    Desk,
    Snapshot,
    binding,
    closed_parts,
    late_cdr,
    new_desk,
    plant,
    plant_close,
    plant_imports,
)
from builders.keyrings import KEYRING
from builders.pushes import SIGNED_AT, A, B, X, cdr_entry, event_body, fee_body
from builders.relations import put_relation
from privatenumber.billing.closing.lines import read_line
from privatenumber.bindings.audit import entry_of
from privatenumber.bindings.model import State
from privatenumber.bindings.records import from_item
from privatenumber.erasure.model import (
    AGAIN_AFTER,
    ErasureDiffers,
    ErasureNotFound,
    InvalidRequest,
    StillInUse,
)
from privatenumber.erasure.remains import STAYS
from privatenumber.erasure.service import Told
from privatenumber.privacy import token
from privatenumber.store.closes import CloseStore
from privatenumber.store.erasing import Changed
from privatenumber.store.erasures import ErasureStore
from privatenumber.store.facts import FactStore
from privatenumber.store.items import encode
from privatenumber.store.numbers import NumberState, NumberStore, NumberType, XNumber

DAY = date(2026, 9, 2)


@pytest.fixture
def desk() -> Iterator[Desk]:
    yield from new_desk()


@pytest.fixture(scope="module")
def everything() -> Snapshot:
    """A and B in every kind of row."""
    (made,) = (_planted(fresh) for fresh in new_desk())
    return made


def _planted(fresh: Desk) -> Snapshot:
    plant(fresh)
    return fresh.snapshot()


@pytest.fixture(scope="module")
def undisturbed(everything: Snapshot) -> Mapping[str, int]:
    """What an erasure comes to that nothing disturbs."""
    (counts,) = (fresh.restore(everything).erase(lift_bars=True).row.counts for fresh in new_desk())
    return counts


@pytest.fixture(scope="module")
def everything_erased(everything: Snapshot) -> tuple[Snapshot, Told]:
    """What is left of it, and what was told of the erasure."""
    (made,) = (_erased(fresh.restore(everything)) for fresh in new_desk())
    return made


def _erased(fresh: Desk) -> tuple[Snapshot, Told]:
    told = fresh.erase()
    return fresh.snapshot(), told


@pytest.fixture
def forgotten(desk: Desk, everything_erased: tuple[Snapshot, Told]) -> Desk:
    """A desk that was planted, and A erased from it."""
    desk.clock.now += AGAIN_AFTER
    return desk.restore(everything_erased[0])


@pytest.fixture
def told(everything_erased: tuple[Snapshot, Told]) -> Told:
    """What was told of that erasure."""
    return everything_erased[1]


@pytest.fixture
def planted(desk: Desk, everything: Snapshot) -> Desk:
    """A desk with everything on it."""
    return desk.restore(everything)


def sums(desk: Desk) -> list[tuple[Any, list[tuple[Any, ...]]]]:
    """What the closes come to, without people."""
    store = CloseStore(desk.client, desk.bills.name)
    return [
        (
            version.document,
            [
                (each.fact, each.digest, each.at, each.x, each.order, each.units, each.amount)
                for each in map(read_line, store.lines(version))
            ],
        )
        for version in closed_parts(desk)
    ]


class TestAnImportedRow:
    def test_is_forgotten_with_its_person(self, desk: Desk) -> None:
        """What the console told of a call and an SMS is as personal as what a push tells (U-S12)."""
        plant_imports(desk)
        desk.chronicled.follow(desk.chronicled.stored())
        assert {trace.partition("#")[0] for trace in desk.traces(A)} == {"CALL", "SMS"}
        desk.erase()
        assert desk.traces(A) == []


class TestAPerson:
    def test_is_planted_where_the_rest_of_these_tests_look_for_him(self, planted: Desk) -> None:
        """Else that nothing is found afterwards would prove nothing."""
        kinds = {"BARRED", "BINDING", "JOB", "PAIR", "PARTY", "CALL", "COUNT", "DAY", "EVENTS", "QUARANTINE"}
        assert planted.kinds() >= {*kinds, "SMS"}
        found = {trace.partition("#")[0] for trace in planted.traces(A)}
        assert found >= {*(kinds - {"PAIR"}), "SMS", FILE}

    def test_is_nowhere_afterwards_neither_as_number_nor_as_token(self, planted: Desk) -> None:
        """A scan of both tables, everything sealed opened, and the files (U-S12)."""
        planted.erase(lift_bars=True)
        assert planted.traces(A) == []

    def test_leaves_the_other_one_his_own_history(self, forgotten: Desk) -> None:
        call = forgotten.chronicled.call_row().says
        assert call.callee == TOKENS[B]
        assert call.caller
        assert call.caller.startswith("erased-")

    def test_stays_one_person_in_bills_whose_sums_stay(self, planted: Desk) -> None:
        """U-N16, U-D23: anonymous billing rows survive, to the fen and by the same name."""
        before = closed_parts(planted), sums(planted)
        planted.erase()
        after = closed_parts(planted), sums(planted)
        assert before[0]
        assert after[1] == before[1]
        assert [(each.number, each.hash) for each in after[0]] == [(1, each.hash) for each in before[0]]
        pseudonyms = {
            row[name]
            for row in planted.items()
            for name in ("caller", "a_token")
            if "erased-" in row.get(name, "")
        }
        assert len(pseudonyms) == 1

    def test_adds_no_version_to_a_day_that_is_closed_again(self, forgotten: Desk) -> None:
        plant_close(forgotten)
        assert {version.number for version in closed_parts(forgotten)} == {1}

    def test_is_kept_on_the_black_list_unless_it_was_to_be_lifted(self, forgotten: Desk, told: Told) -> None:
        assert [trace.partition("#")[0] for trace in forgotten.traces(A)] == ["BARRED"]
        assert told.row.counts["barred_kept"] == 1

    def test_who_comes_back_later_keeps_what_began_after_he_asked(self, desk: Desk) -> None:
        told = desk.ask()
        again = event_body(timestamp="2026-09-04 01:00:00", sessionId="1200_2_4294967295_20260904010000@h")
        desk.chronicled.receive(again, at=LATER + timedelta(hours=25))
        desk.run()
        desk.clock.now += AGAIN_AFTER
        desk.run()
        assert desk.erasures().get(told.row.id).row.state == "done"
        assert len(desk.traces(A)) == 1

    def test_only_of_one_application_stays_in_the_others(self, planted: Desk) -> None:
        other = {"pk": f"COUNT#other#calls#{TOKENS[A]}", "sk": "2026", "kind": "count"}
        planted.put(planted.bills, other)
        planted.erase(application=APP, lift_bars=True)
        assert planted.traces(A) == [f"{other['pk']} 2026"]

    def test_is_read_in_ended_bindings_as_erased(self, forgotten: Desk) -> None:
        """Who looks at an order's history still finds it."""
        (item,) = (row for row in rows(forgotten.bindings) if row["pk"] == "BINDING#binding-1")
        ended = from_item(item, KEYRING)
        assert (ended.order, ended.x, ended.a.masked, ended.user_reference) == (ORDER, X, "erased", None)
        assert item["by"].startswith("erasure:")
        (of_partners,) = (row for row in rows(forgotten.bindings) if row["pk"] == "BINDING#binding-3")
        assert [each.party.masked for each in from_item(of_partners, KEYRING).partners] == ["erased"] * 2

    def test_his_erasure_stands_in_the_history_of_a_binding_without_him(self, planted: Desk) -> None:
        """The audit follows the table: who, when, and that people changed."""
        (before,) = (row for row in rows(planted.bindings) if row["pk"] == "BINDING#binding-1")
        planted.erase()
        (after,) = (row for row in rows(planted.bindings) if row["pk"] == "BINDING#binding-1")
        entry = entry_of(before, after, at=SIGNED_AT)
        assert entry
        assert (entry.version, entry.at, entry.state) == (5, LATER, "CLOSED")
        assert [(change.field, change.new) for change in entry.changes] == [("a", None)]


class TestWhatComesLate:
    def test_the_same_cdr_again_is_a_duplicate(self, forgotten: Desk) -> None:
        """It neither brings him back nor counts as a contradiction (C-146)."""
        before = forgotten.items()
        assert forgotten.chronicled.receive(fee_body(), at=forgotten.clock.now) == 200
        assert forgotten.items() == before

    def test_another_record_of_an_erased_call_is_erased_by_the_second_look(self, planted: Desk) -> None:
        planted.ask(lift_bars=True)
        planted.run()
        planted.chronicled.receive(late_cdr(), at=LATER + timedelta(hours=6))
        planted.chronicled.follow(planted.chronicled.stored())
        assert planted.traces(A)
        planted.clock.now += AGAIN_AFTER
        planted.run()
        assert planted.traces(A) == []

    def test_a_recording_whose_upload_was_under_way_is_removed_by_the_second_look(
        self, planted: Desk
    ) -> None:
        """The worker's row is overtaken, its file comes to lie in the bucket all the same."""
        planted.ask()
        planted.run()
        assert planted.files == {}
        planted.files[FILE] = f"voice of {A}".encode()
        planted.clock.now += AGAIN_AFTER
        planted.run()
        assert planted.files == {}

    def test_an_event_that_names_only_the_other_one_loses_its_raw_too(self, planted: Desk) -> None:
        """Of an erased call nothing sealed is left: a sessionId may quote both (notifications.md §4.5)."""
        planted.ask()
        planted.run()
        planted.chronicled.receive(event_body("collectInfo", second=9, digitInfo="1"), at=LATER)
        planted.clock.now += AGAIN_AFTER
        planted.run()
        of_call = [row for row in rows(planted.bills) if row["pk"].startswith(f"CALL#{APP}#{CALL}")]
        assert not [row["sk"] for row in of_call if row.get("sealed")]

    def test_a_row_computed_again_from_its_facts_says_the_same(self, forgotten: Desk) -> None:
        before = forgotten.items()
        forgotten.chronicled.follow(forgotten.chronicled.stored())
        assert forgotten.items() == before


class TestAnOrder:
    def test_is_erased_with_its_people_and_keeps_its_bill(self, planted: Desk) -> None:
        before = sums(planted)
        planted.erase(order=ORDER, application=APP)
        assert sums(planted) == before
        found = planted.traces(A)
        assert {trace.partition("#")[0] for trace in found} == {
            *("BARRED", "BINDING", "COUNT", "JOB", "PARTY", "QUARANTINE")
        }
        assert [trace for trace in found if "BINDING" in trace] == [
            "BINDING#binding-2 BINDING",
            "BINDING#binding-3 BINDING",
        ]
        assert not [trace for trace in found if "LAST#" in trace or "PLACE#" in trace]

    def test_leaves_x_what_it_was_in_events(self, planted: Desk) -> None:
        """It stands there as a token like a person's, but is the company's; reconciliation looks for it."""
        planted.erase(order=ORDER, application=APP)
        (arrived,) = (row for row in rows(planted.bills) if row["sk"] == "EVENT#callin")
        assert arrived["called"] == token(KEYRING, X)
        assert arrived["caller"].startswith("erased-")

    def test_needs_its_application(self, desk: Desk) -> None:
        with pytest.raises(InvalidRequest, match="application"):
            desk.ask(order=ORDER)


class TestWhatIsOld:
    def test_is_erased_by_its_own_time(self, planted: Desk) -> None:
        planted.clock.now = SIGNED_AT + timedelta(days=40)
        young = event_body(timestamp="2026-10-10 01:00:00", sessionId="1200_2_4294967295_20261010010000@h")
        planted.chronicled.receive(young, at=SIGNED_AT + timedelta(days=38))
        before = sums(planted)
        told = planted.ask(older_than_days=30)
        planted.run()
        assert planted.erasures().get(told.row.id).row.state == "done"
        of_calls = [
            trace
            for trace in planted.traces(A)
            if trace.startswith(("CALL", "SMS", "DAY", "EVENTS", "QUA", "BINDING"))
        ]
        assert len(of_calls) == 1
        assert sums(planted) == before

    def test_is_never_younger_than_its_last_push(self, desk: Desk) -> None:
        with pytest.raises(InvalidRequest, match="older_than_days"):
            desk.ask(older_than_days=1)


class TestACrash:
    @pytest.mark.parametrize("first", range(4))
    def test_between_any_two_requests_loses_and_doubles_nothing(
        self, planted: Desk, undisturbed: Mapping[str, int], first: int
    ) -> None:
        """Each run dies some requests later than the one before; the sum is that of an undisturbed run."""
        told = planted.ask(lift_bars=True)
        for allowed in range(first, first + 400, 4):
            planted.clock.now += timedelta(minutes=6)
            try:
                planted.run(planted.rounds(Dying(planted.client, allowed)))
            except Died:
                continue
            break
        planted.clock.now = LATER + AGAIN_AFTER
        planted.run()
        assert planted.traces(A) == []
        assert planted.erasures().get(told.row.id).row.counts == undisturbed

    def test_somebody_else_at_work_is_left_alone(self, planted: Desk) -> None:
        planted.ask()
        with pytest.raises(Died):
            planted.run(planted.rounds(Dying(planted.client, 12)))
        assert planted.run().pages == 0
        planted.clock.now += timedelta(minutes=6)
        assert planted.run().pages > 0

    def test_two_that_take_a_round_at_once_leave_it_to_the_first(self, planted: Desk) -> None:
        told = planted.ask()
        late = planted.run(planted.rounds(Forestalled(planted.client, planted.run)))
        assert (late.pages, late.finished, late.waiting) == (0, 0, False)
        row = planted.erasures().get(told.row.id).row
        assert (row.passes, row.last_round) == (1, 1)

    def test_a_run_without_time_leaves_the_round_to_the_next(self, planted: Desk) -> None:
        planted.ask()
        assert planted.rounds().run(lambda: 0).waiting
        assert planted.run().pages == 2

    def test_an_index_that_lags_does_not_bring_the_second_look_forward(
        self, planted: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = planted.ask()
        planted.run()
        monkeypatch.setattr(ErasureStore, "due", lambda *_, **__: [told.row.id])
        assert planted.run().pages == 0
        planted.clock.now += AGAIN_AFTER
        assert planted.run().finished == 1

    def test_what_goes_on_changing_ends_the_run_and_not_the_round(self, planted: Desk) -> None:
        planted.ask(lift_bars=True)
        with pytest.raises(Changed):
            planted.run(planted.rounds(Restless(planted.client, planted.bills.name)))
        planted.clock.now += timedelta(minutes=6)
        planted.run()
        assert planted.traces(A) == []


class TestAsking:
    def test_a_person_who_is_bound_is_refused_with_what_holds_him(self, desk: Desk) -> None:
        put_relation(desk.bindings, binding("living", state=State.ACTIVE, due_at=LATER))
        with pytest.raises(StillInUse) as refused:
            desk.ask()
        assert refused.value.bindings == ("living",)
        assert desk.store.due(until=LATER, limit=9) == []

    def test_who_is_bound_meanwhile_is_left_and_named_in_the_certificate(self, desk: Desk) -> None:
        told = desk.ask()
        put_relation(desk.bindings, binding("living", state=State.ACTIVE, due_at=LATER))
        desk.run()
        desk.clock.now += AGAIN_AFTER
        desk.run()
        found = desk.erasures().get(told.row.id)
        assert found.row.in_use == ("binding:living",)
        assert found.certificate
        assert json.loads(found.certificate.document)["left_in_use"] == ["binding:living"]

    def test_a_dry_run_counts_and_changes_nothing(self, planted: Desk) -> None:
        before = planted.items()
        told = planted.ask(dry_run=True)
        planted.run()
        found = planted.erasures().get(told.row.id)
        assert planted.items() == before
        assert (found.row.state, found.certificate) == ("counted", None)
        real = planted.erase("key-2").row.counts
        assert found.row.counts == real

    def test_the_same_request_again_is_the_same_erasure(self, desk: Desk) -> None:
        assert desk.ask().row.id == desk.ask().row.id
        with pytest.raises(ErasureDiffers):
            desk.ask(numbers=frozenset({B}))

    def test_an_x_number_is_nobody(self, desk: Desk) -> None:
        store = NumberStore(desk.client, desk.bindings.name)
        store.put(XNumber(X, APP, "0755", NumberType.VIRTUAL, NumberState.ACTIVE), seen=None)
        with pytest.raises(InvalidRequest, match="numbers"):
            desk.ask(numbers=frozenset({X}))

    def test_neither_reason_nor_order_holds_a_number(self, desk: Desk) -> None:
        with pytest.raises(InvalidRequest, match="reason"):
            desk.ask(reason="asked from 138 0013 8001")
        with pytest.raises(InvalidRequest, match="order"):
            desk.ask(order="138-0013-8001", application="demo")

    def test_an_unknown_one_is_not_found(self, desk: Desk) -> None:
        with pytest.raises(ErasureNotFound):
            desk.erasures().get("e" + "a" * 26)


class TestTheCertificate:
    def test_says_what_by_whom_why_and_what_stays(self, forgotten: Desk, told: Told) -> None:
        assert told.certificate
        said = json.loads(told.certificate.document)
        assert said["erased"]["cdr"] == 2
        assert said["requested_by"] == "arn:aws:iam::1:user/ann"
        assert len(said["stays"]) == len(STAYS)
        assert told.certificate.hash == hashlib.sha256(told.certificate.document.encode()).hexdigest()

    def test_proves_who_it_is_about_to_whom_has_the_number_and_names_nobody(
        self, forgotten: Desk, told: Told
    ) -> None:
        assert told.certificate
        said = json.loads(told.certificate.document)
        assert said["people"] == [token(KEYRING, A, purpose="erased")]
        kept = repr([row for row in rows(forgotten.bindings) if row["pk"].startswith("ERASURE")])
        assert TOKENS[A] not in kept
        assert A[3:] not in kept

    def test_forgets_the_numbers_and_what_the_pseudonyms_were_made_of(self, told: Told) -> None:
        assert told.row.sealed is None

    def test_is_written_once(self, forgotten: Desk, told: Told) -> None:
        forgotten.clock.now += timedelta(days=9)
        forgotten.run()
        assert forgotten.erasures().get(told.row.id).certificate == told.certificate


def test_pages_of_a_close_that_a_crash_left_are_swept_once_nobody_can_be_writing_them(planted: Desk) -> None:
    """They hold people too, and no head refers to them."""
    orphan = next(row for row in rows(planted.bills) if row["sk"].startswith("LINES#"))
    planted.put(planted.bills, {**orphan, "sk": "LINES#abandoned#000000"})
    planted.erase(lift_bars=True)
    assert planted.traces(A) == []
    pages = [row["sk"] for row in rows(planted.bills) if row["sk"].startswith("LINES#")]
    assert len(pages) == len(closed_parts(planted))


def test_facts_of_a_day_are_still_read(forgotten: Desk) -> None:
    """Readers that expect something sealed find it empty."""
    facts = FactStore(forgotten.client, forgotten.bills.name)
    (cdr,) = facts.cdrs_of_day(APP, DAY)
    assert (cdr.x, cdr.sealed, cdr.icid) == (X, b"", cdr_entry()["icid"])
    assert cdr.caller
    assert cdr.caller.startswith("erased-")
    assert [each.sealed for each in facts.sms_of_day(APP, DAY)] == [b""]


class TestOnTheRealEngine:
    """DynamoDB Local keeps transactions of several threads apart, which moto does not."""

    @pytest.mark.dynamodb_local
    def test_pushes_and_those_who_follow_them_meanwhile_bring_nobody_back(
        self, dynamodb_local: str, everything: Snapshot, undisturbed: Mapping[str, int]
    ) -> None:
        """Every push of the call comes again during the first look, and others compute its row from them."""
        client = local_client(dynamodb_local)
        desk = Desk(new_table(client), new_table(client, "BillsTable")).restore(everything)
        told = desk.ask(lift_bars=True)
        chronicled = desk.chronicled

        def push_again() -> None:
            for name in ("callin", "answer", "disconnect"):
                assert chronicled.receive(event_body(name), at=LATER) == 200
            assert chronicled.receive(late_cdr(), at=LATER) == 200
            chronicled.follow(chronicled.stored())

        with ThreadPoolExecutor(3) as pool:
            looking = pool.submit(desk.run)
            for pushing in [pool.submit(push_again) for _ in range(2)]:
                pushing.result()
            looking.result()
        desk.clock.now += AGAIN_AFTER
        desk.run()
        assert desk.traces(A) == []
        counts = desk.erasures().get(told.row.id).row.counts
        assert {"event": 5, "sms": 1, "bill_lines": undisturbed["bill_lines"]}.items() <= counts.items()
        assert counts["cdr"] == undisturbed["cdr"] + 1


class Died(Exception):
    """The process is gone."""


class Dying:
    """A client whose process dies after some requests."""

    def __init__(self, client: Any, allowed: int) -> None:
        self._client, self._left = client, allowed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "exceptions":
            return found

        def request(**arguments: Any) -> Any:
            if self._left <= 0:
                raise Died
            self._left -= 1
            return found(**arguments)

        return request


class Forestalled:
    """A client before whose first transaction somebody else does all that there is to do."""

    def __init__(self, client: Any, work: Callable[[], object]) -> None:
        self._client, self._work = client, [work]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        if self._work:
            self._work.pop()()
        return self._client.transact_write_items(**request)


class Restless:
    """A client before each of whose transactions on a CDR somebody else writes the row."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table, self._n = client, table, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        update = request["TransactItems"][0].get("Update", {})
        if update.get("TableName") == self._table and "CDR#" in update["Key"]["sk"]["S"]:
            self._n += 1
            self._client.update_item(
                TableName=self._table,
                Key=update["Key"],
                UpdateExpression="SET sealed = :other",
                ExpressionAttributeValues=encode({":other": b"%d" % self._n}),
            )
        return self._client.transact_write_items(**request)
