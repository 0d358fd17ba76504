"""Facts in the Bills table, on moto and on Amazon's own engine: notifications.md §9.2, U-A12, U-D10."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from builders.bills import facts, icids, rows
from builders.dynamodb import Table, local_client, moto_client, new_table
from builders.keyrings import KEYRING
from builders.pushes import (
    ICID,
    SESSION,
    SIGNED_AT,
    cdr_entry,
    event_body,
    fee_body,
    many_cdrs,
    number_status_body,
    wire,
)
from builders.quarantined import quarantine_of
from builders.requests_made import log_requests
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import token
from privatenumber.store.fact_rows import NewFact
from privatenumber.store.fact_writes import PART_BYTES, NonceUse, QuarantineEntry
from privatenumber.store.facts import FactStore, NonceReused, StoreUnavailable
from privatenumber.store.items import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

DAY = date(2026, 9, 2)
EVENING = SIGNED_AT + timedelta(hours=16)


@pytest.fixture(params=["moto", pytest.param("dynamodb_local", marks=pytest.mark.dynamodb_local)])
def bills(request: pytest.FixtureRequest) -> Iterator[Table]:
    """An empty Bills table, on moto and on DynamoDB Local."""
    if request.param == "dynamodb_local":
        yield new_table(local_client(request.getfixturevalue("dynamodb_local")), "BillsTable")
        return
    with moto_client() as client:
        yield new_table(client, "BillsTable")


@pytest.fixture
def store(bills: Table) -> FactStore:
    return FactStore(bills.client, bills.name, sleep=lambda _: None)


def _facts(body: dict[str, Any], at: datetime = SIGNED_AT, application: str = "demo") -> list[NewFact]:
    reception = Reception(application, at, KEYRING)
    return [fact_of(entry, reception) for entry in parse_push(wire(body)).entries]


def _counts(store: FactStore, new: Sequence[NewFact]) -> tuple[int, int, int]:
    written = store.put_facts(new)
    return len(written.stored), len(written.duplicates), len(written.conflicts)


def _quarantine(
    body: str = "bodytoken", *, at: datetime = SIGNED_AT, sealed: bytes = b"sealed"
) -> QuarantineEntry:
    return QuarantineEntry("demo", body, "refused: digest", "fee", sealed, at)


def _nonce(body: str = "one", *, at: datetime = SIGNED_AT) -> NonceUse:
    return NonceUse("demo", "key", "nonce", body, at, at + timedelta(hours=24))


class TestWriting:
    def test_an_event_is_one_write_request(self, bills: Table, store: FactStore) -> None:
        """Design goal: a call event is one write request."""
        log = log_requests(bills.client)
        assert _counts(store, _facts(event_body("answer"))) == (1, 0, 0)
        assert log.operations == ["PutItem"]

    def test_a_repeated_event_is_one_write_request_that_changes_nothing(
        self, bills: Table, store: FactStore
    ) -> None:
        """U-A12."""
        store.put_facts(_facts(event_body("answer")))
        before, log = rows(bills), log_requests(bills.client)
        later = _facts(event_body("answer"), SIGNED_AT + timedelta(hours=5))
        assert _counts(store, later) == (0, 1, 0)
        assert log.operations == ["PutItem"]
        assert rows(bills) == before

    def test_fifty_cdrs_are_one_write_request(self, bills: Table, store: FactStore) -> None:
        log = log_requests(bills.client)
        assert _counts(store, _facts(fee_body(*many_cdrs(50)))) == (50, 0, 0)
        assert log.operations == ["TransactWriteItems"]

    def test_fifty_repeated_cdrs_are_one_write_request(self, bills: Table, store: FactStore) -> None:
        new = _facts(fee_body(*many_cdrs(50)))
        store.put_facts(new)
        log = log_requests(bills.client)
        assert _counts(store, new) == (0, 50, 0)
        assert log.operations == ["TransactWriteItems"]

    def test_a_batch_that_is_split_differently_is_two_write_requests(
        self, bills: Table, store: FactStore
    ) -> None:
        """What was there already is taken out, the rest goes in a second request."""
        new = _facts(fee_body(*many_cdrs(50)))
        store.put_facts(new[10:25])
        log = log_requests(bills.client)
        assert _counts(store, new) == (35, 15, 0)
        assert log.operations == ["TransactWriteItems", "TransactWriteItems"]

    def test_a_contradicting_batch_is_two_write_requests(self, bills: Table, store: FactStore) -> None:
        entries = many_cdrs(20)
        store.put_facts(_facts(fee_body(*entries)))
        changed = [{**entry, "callEndTime": "2026-09-02 03:00:00"} for entry in entries]
        log = log_requests(bills.client)
        assert _counts(store, _facts(fee_body(*changed))) == (0, 0, 20)
        assert log.operations == ["TransactWriteItems", "TransactWriteItems"]

    def test_a_message_that_is_longer_than_a_transaction_is_stored_entirely(self, store: FactStore) -> None:
        """notifications.md §2.8: lists longer than documented are processed entirely."""
        new = _facts(fee_body(*many_cdrs(120)))
        assert _counts(store, new) == (120, 0, 0)
        assert _counts(store, new) == (0, 120, 0)
        assert len(list(store.cdrs_of_day("demo", DAY))) == 120

    def test_what_stands_twice_in_one_message_is_stored_once(self, bills: Table, store: FactStore) -> None:
        new = _facts(fee_body(cdr_entry(), cdr_entry(), cdr_entry(direction=0)))
        assert _counts(store, new) == (1, 1, 1)
        assert len(rows(bills)) == 2

    def test_the_same_fact_of_two_applications_is_two_facts(self, bills: Table, store: FactStore) -> None:
        """notifications.md §9.2: every key begins with the application."""
        store.put_facts(_facts(fee_body()))
        store.put_facts(_facts(fee_body(), application="other"))
        assert len(rows(bills)) == 2

    def test_nothing_to_write_is_no_request(self, bills: Table, store: FactStore) -> None:
        log = log_requests(bills.client)
        assert _counts(store, []) == (0, 0, 0)
        assert log.operations == []


class TestConflicts:
    def test_the_first_version_stays_and_the_other_is_kept_beside_it(
        self, bills: Table, store: FactStore
    ) -> None:
        """notifications.md §9.2, record_conflict."""
        (first,), (other,) = (
            _facts(fee_body()),
            _facts(fee_body(cdr_entry(callEndTime="2026-09-02 02:00:00"))),
        )
        assert _counts(store, [first]) == (1, 0, 0)
        assert _counts(store, [other]) == (0, 0, 1)
        kept, variant = rows(bills)
        assert kept["digest"] == first.digest
        assert "flags" not in kept
        assert variant["sk"] == f"{first.sk}#VARIANT#{other.digest}"
        assert variant["flags"] == ["variant"]

    def test_a_variant_is_not_a_cdr_of_its_day_but_is_found_by_it(self, store: FactStore) -> None:
        """Nothing is counted twice; billing shows the contradiction."""
        store.put_facts(_facts(fee_body()))
        store.put_facts(_facts(fee_body(cdr_entry(callEndTime="2026-09-02 02:00:00"))))
        assert len(list(store.cdrs_of_day("demo", DAY))) == 1
        (variant,) = store.variants_of_day("demo", DAY)
        assert variant.ended_at == datetime(2026, 9, 2, 2, tzinfo=UTC)

    def test_a_repeated_variant_stays_as_it_first_came(self, bills: Table, store: FactStore) -> None:
        store.put_facts(_facts(event_body("answer")))
        changed = event_body("answer", second=40)
        store.put_facts(_facts(changed))
        before = rows(bills)
        store.put_facts(_facts(changed, SIGNED_AT + timedelta(hours=1)))
        assert rows(bills) == before

    @pytest.mark.parametrize("changed", [{"sessionId": "another"}, {"callEndTime": "2026-09-02 02:00:00"}])
    def test_a_contradiction_is_counted_once_however_often_it_comes(
        self, store: FactStore, changed: dict[str, str]
    ) -> None:
        """The platform repeats what it was not answered in time; people are alarmed once."""
        store.put_facts(_facts(fee_body()))
        other = _facts(fee_body(cdr_entry(**changed)))
        assert [_counts(store, other) for _ in range(3)] == [(0, 0, 1), (0, 1, 0), (0, 1, 0)]

    def test_a_contradicting_hang_up_is_not_a_second_end_of_the_call(self, store: FactStore) -> None:
        store.put_facts(_facts(event_body("disconnect")))
        store.put_facts(_facts(event_body("disconnect", stateCode=8010)))
        assert [end.state_code for end in store.ends_of_day("demo", DAY)] == [0]


class TestIcids:
    """notifications.md §9.2: the key of a CDR is application and icid, whatever session it names."""

    @pytest.mark.parametrize("other", ["another-session", None])
    def test_an_icid_under_another_session_is_a_variant_and_no_second_cdr(
        self, bills: Table, store: FactStore, other: str | None
    ) -> None:
        """Nothing is counted twice, and nothing that came is lost."""
        log = log_requests(bills.client)
        assert _counts(store, _facts(fee_body())) == (1, 0, 0)
        body = fee_body(cdr_entry(sessionId=other, callEndTime="2026-09-04 01:00:00"))
        again = _facts(body, SIGNED_AT + timedelta(days=2))
        assert _counts(store, again) == (0, 0, 1)
        assert log.operations == ["TransactWriteItems", "TransactWriteItems", "PutItem"]
        kept = [row for row in rows(bills) if "flags" not in row]
        variants = [row for row in rows(bills) if "variant" in row.get("flags", ())]
        assert [row["sk"] for row in kept] == [f"CDR#{ICID}"]
        assert [row["pk"] for row in variants] == [again[0].pk]
        assert list(store.cdrs_of_day("demo", date(2026, 9, 4))) == []
        assert len(list(store.variants_of_day("demo", date(2026, 9, 4)))) == 1

    def test_two_sessions_of_one_icid_in_one_message_are_one_cdr_and_a_variant(
        self, bills: Table, store: FactStore
    ) -> None:
        new = _facts(fee_body(cdr_entry(), cdr_entry(sessionId="another")))
        assert _counts(store, new) == (1, 0, 1)
        assert _counts(store, new) == (0, 2, 0)
        assert icids(bills) == {f"demo#{ICID}": (new[0].pk, new[0].sk)}
        assert len(rows(bills)) == 2

    def test_a_row_that_was_stored_before_icids_were_is_known_again(
        self, bills: Table, store: FactStore
    ) -> None:
        """A crash between two requests, a restored table: the repetition completes what is missing."""
        new = _facts(fee_body())
        store.put_facts(new)
        key = {"pk": f"ICID#demo#{ICID}", "sk": "CDR"}
        bills.client.delete_item(TableName=bills.name, Key=encode(key))
        assert _counts(store, new) == (0, 1, 0)
        bills.client.delete_item(TableName=bills.name, Key=encode({"pk": new[0].pk, "sk": new[0].sk}))
        assert _counts(store, new) == (1, 0, 0)
        assert icids(bills) == {f"demo#{ICID}": (new[0].pk, new[0].sk)}

    def test_the_icid_of_another_application_is_another_record(self, bills: Table, store: FactStore) -> None:
        store.put_facts(_facts(fee_body()))
        assert _counts(store, _facts(fee_body(), application="other")) == (1, 0, 0)


class TestReading:
    def test_a_call_is_read_with_all_its_facts(self, store: FactStore) -> None:
        """notifications.md §9.3: joined by session."""
        for event_type in ("answer", "callin", "disconnect"):
            store.put_facts(_facts(event_body(event_type)))
        store.put_facts(_facts(fee_body()))
        session = token(KEYRING, SESSION, purpose="session")
        keys = [fact.key[1].split("#")[0:2] for fact in store.call("demo", session)]
        assert keys == [
            ["CDR", "c0a8f3d1b7e24c6590ab12cd34ef5678.3997785600.1.7"],
            ["EVENT", "answer"],
            ["EVENT", "callin"],
            ["EVENT", "disconnect"],
        ]

    def test_a_day_is_read_over_all_shards_and_pages(self, bills: Table, store: FactStore) -> None:
        entries = [cdr_entry(icid=f"i{n}", userData="x" * 900, extra="y" * 60_000) for n in range(40)]
        for entry in entries:
            store.put_facts(_facts(fee_body(entry)))
        log = log_requests(bills.client)
        read = list(store.cdrs_of_day("demo", DAY))
        assert sorted(cdr.icid or "" for cdr in read) == sorted(f"i{n}" for n in range(40))
        assert len(log.operations) >= 8

    def test_a_day_holds_its_own_facts_only(self, store: FactStore) -> None:
        """U-D24: Beijing days."""
        store.put_facts(_facts(fee_body(cdr_entry(icid="last", callEndTime="2026-09-02 15:59:59")), EVENING))
        store.put_facts(_facts(fee_body(cdr_entry(icid="next", callEndTime="2026-09-02 16:00:00")), EVENING))
        store.put_facts(_facts(fee_body(cdr_entry(icid="other")), application="other"))
        assert [cdr.icid for cdr in store.cdrs_of_day("demo", DAY)] == ["last"]
        assert [cdr.icid for cdr in store.cdrs_of_day("demo", date(2026, 9, 3))] == ["next"]

    def test_a_stretch_of_time_is_read_over_midnight_with_both_its_ends(self, store: FactStore) -> None:
        """Beijing's day changes at 16:00 UTC."""
        moments = ("15:29:59", "15:30:00", "15:59:59", "16:00:00", "16:30:00", "16:30:01")
        for moment in moments:
            entry = cdr_entry(icid=moment, callEndTime=f"2026-09-02 {moment}")
            store.put_facts(_facts(fee_body(entry), EVENING))
        since, until = (datetime(2026, 9, 2, hour, 30, tzinfo=UTC) for hour in (15, 16))
        read = {cdr.icid for cdr in store.cdrs_between("demo", since, until)}
        assert read == set(moments[1:5])
        assert list(store.cdrs_between("other", since, until)) == []

    def test_number_states_are_kept_one_by_one(self, bills: Table, store: FactStore) -> None:
        """notifications.md §7: every arrival is kept with its receipt time."""
        store.put_facts(_facts(number_status_body()))
        store.put_facts(_facts(number_status_body(), SIGNED_AT + timedelta(minutes=1)))
        assert len(rows(bills)) == 4


class TestQuarantine:
    def test_an_unreadable_entry_goes_with_its_batch_in_one_request(
        self, bills: Table, store: FactStore
    ) -> None:
        log = log_requests(bills.client)
        written = store.put_facts(_facts(fee_body(*many_cdrs(49))), quarantined=[_quarantine()])
        assert len(written.stored) == 49
        assert log.operations == ["TransactWriteItems"]
        assert len(quarantine_of(bills, DAY)) == 1

    def test_the_same_body_again_updates_its_entry_even_on_another_day(
        self, bills: Table, store: FactStore
    ) -> None:
        """notifications.md §2.3: a re-push updates the entry instead of adding one."""
        later = SIGNED_AT + timedelta(hours=20)
        store.put_facts((), quarantined=[_quarantine()])
        store.put_facts((), quarantined=[_quarantine(at=later, sealed=b"newer headers")])
        (entry,) = quarantine_of(bills, DAY)
        assert (entry.first_at, entry.last_at, entry.deliveries) == (SIGNED_AT, later, 2)
        assert entry.sealed == b"newer headers"
        assert quarantine_of(bills, date(2026, 9, 3)) == []

    def test_a_push_of_one_mebibyte_is_kept_in_parts_and_read_whole(
        self, bills: Table, store: FactStore
    ) -> None:
        """A DynamoDB item holds 400 KB."""
        sealed = bytes(range(256)) * (1024 * 1024 // 256) + b"the end"
        log = log_requests(bills.client)
        store.put_facts((), quarantined=[_quarantine(sealed=sealed)])
        assert log.operations == ["TransactWriteItems"]
        (entry,) = quarantine_of(bills, DAY)
        assert entry.sealed == sealed
        assert len(sealed) > 2 * PART_BYTES

    def test_entries_are_forgotten_31_days_after_they_last_came(self, bills: Table, store: FactStore) -> None:
        """notifications.md §2.3."""
        store.put_facts((), quarantined=[_quarantine()])
        store.put_facts((), quarantined=[_quarantine(at=SIGNED_AT + timedelta(days=1))])
        (row,) = rows(bills)
        assert row["expires_at"] == int((SIGNED_AT + timedelta(days=32)).timestamp())


class TestNonces:
    def test_a_nonce_and_its_fact_are_one_request(self, bills: Table, store: FactStore) -> None:
        log = log_requests(bills.client)
        store.put_facts(_facts(event_body("answer")), nonce=_nonce())
        assert log.operations == ["TransactWriteItems"]

    def test_a_nonce_with_another_body_stores_nothing(self, bills: Table, store: FactStore) -> None:
        """auth.md §6 step 7, `enforce`."""
        store.put_facts(_facts(event_body("answer")), nonce=_nonce())
        before = facts(bills)
        with pytest.raises(NonceReused):
            store.put_facts(_facts(event_body("disconnect")), nonce=_nonce("two"))
        assert facts(bills) == before

    def test_a_nonce_with_the_same_body_is_a_repetition(self, store: FactStore) -> None:
        new = _facts(event_body("answer"))
        store.put_facts(new, nonce=_nonce())
        assert len(store.put_facts(new, nonce=_nonce()).duplicates) == 1

    def test_the_nonce_of_a_repetition_is_remembered_too(self, store: FactStore) -> None:
        """A header that came with a known fact must not open the door for an unknown one."""
        store.put_facts(_facts(event_body("answer")))
        store.put_facts(_facts(event_body("answer")), nonce=_nonce())
        with pytest.raises(NonceReused):
            store.put_facts(_facts(event_body("disconnect")), nonce=_nonce("two"))

    def test_a_forgotten_nonce_may_be_used_again_before_its_row_is_deleted(self, store: FactStore) -> None:
        """TTL deletes within days; reads go by time."""
        store.put_facts(_facts(event_body("answer")), nonce=_nonce())
        late = _nonce("two", at=SIGNED_AT + timedelta(hours=25))
        assert len(store.put_facts(_facts(event_body("disconnect")), nonce=late).stored) == 1


class TestFailures:
    @pytest.mark.parametrize("count", [1, 50])
    def test_a_table_that_fails_is_told_as_unavailable(self, bills: Table, count: int) -> None:
        """U-D12."""
        gone = FactStore(bills.client, "no-such-table")
        with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
            gone.put_facts(_facts(fee_body(*many_cdrs(count))))
        with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
            list(gone.cdrs_of_day("demo", DAY))

    def test_no_answer_is_unavailable(self) -> None:
        store = FactStore(_Silent(), "bills")  # type: ignore[arg-type]  # a double of the operations used
        with pytest.raises(StoreUnavailable, match="ConnectTimeoutError"):
            store.put_facts(_facts(event_body("answer")))
        with pytest.raises(StoreUnavailable, match="ConnectTimeoutError"):
            list(store.cdrs_of_day("demo", DAY))

    def test_contention_is_waited_for_and_then_told(self, bills: Table) -> None:
        """Only TransactionConflict and throttling are tried again."""
        waits: list[float] = []
        contended = _Contended(bills.client, refusals=2)
        store = FactStore(contended, bills.name, sleep=waits.append, random=lambda: 1.0)  # type: ignore[arg-type]  # a double of the one operation used
        assert _counts(store, _facts(fee_body(*many_cdrs(3)))) == (3, 0, 0)
        assert waits == [0.05, 0.1]
        hopeless = FactStore(_Contended(bills.client, refusals=99), bills.name, sleep=waits.append)  # type: ignore[arg-type]  # as above
        with pytest.raises(StoreUnavailable, match="contention"):
            hopeless.put_facts(_facts(fee_body(*many_cdrs(3))))


class _Silent:
    """A client that nobody answers."""

    def put_item(self, **_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="https://dynamodb")

    query = put_item


class _Contended:
    """A client whose first transactions collide with others."""

    def __init__(self, client: DynamoDBClient, *, refusals: int) -> None:
        self._client = client
        self._refusals = refusals

    def transact_write_items(self, **request: Any) -> Any:
        if self._refusals:
            self._refusals -= 1
            reasons = [{"Code": "None"} for _ in request["TransactItems"]]
            reasons[1] = {"Code": "TransactionConflict"}
            response: Any = {
                "Error": {"Code": "TransactionCanceledException", "Message": ""},
                "CancellationReasons": reasons,
            }
            raise ClientError(response, "TransactWriteItems")
        return self._client.transact_write_items(**request)
