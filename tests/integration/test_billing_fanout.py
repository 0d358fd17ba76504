"""A close shared by many workers: interrupted, lost, repeated or reordered, the books are the same.

U-P24, U-D23; billing-rules.md §9.4: the same input gives the same result.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from builders.billing import EXAMPLE_PRICES, utc
from builders.books import Books, account_books, call
from builders.crashes import Killed
from builders.pushes import APP_ID, SUBSCRIPTION, X, fee_body
from privatenumber.billing.closing.daily import MonthsRefused
from privatenumber.billing.closing.fan_out import LOST_AFTER, CloseWork, FanOut, due_runs, run_of
from privatenumber.billing.closing.parts import Part
from privatenumber.billing.closing.rerating import rerate
from privatenumber.billing.closing.runs import state_month
from privatenumber.billing.ledger import Ledger, MonthTooLarge, cells_in
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import UsageTime
from privatenumber.billing.tariff.reading import read_price_book
from privatenumber.store.close_runs import CloseRun, CloseRuns, DayOf
from privatenumber.store.facts import FactStore
from privatenumber.store.items import decode
from privatenumber.store.sms_rows import SmsFact
from privatenumber.store.versions import content_hash

EVENING = utc("2026-09-02 12:00:00")
AS_OF = utc("2026-09-03 04:00:00")
CLOSING = utc("2026-10-03 04:00:00")
PACKAGE = PackageOrder("order-1", utc("2026-09-01 02:03:00"), 3, 0, Decimal(38))
BOOK = content_hash(EXAMPLE_PRICES.document(), ())
DEARER = read_price_book('[{"valid_from": "2026-01-01", "call": {"virtual": "0.20", "carrier": "0.20"}}]')
BY_ANSWER = replace(EXAMPLE_PRICES, usage_time=UsageTime.ANSWER)
WRITES = frozenset({"put_item", "update_item", "delete_item"})


@pytest.fixture
def books() -> Iterator[Books]:
    with account_books() as opened:
        yield filled(opened)


def filled(books: Books) -> Books:
    """Calls of two days in several parts."""
    books.number(X, issued_on=date(2026, 1, 1))
    books.bind("order-1001", SUBSCRIPTION, X)
    books.push(fee_body(*(call(n, 95, hour=n, day=1 + n % 2) for n in range(4, 8))), at=EVENING)
    return books


class Queue:
    """Messages that wait; `pick` says which comes next."""

    def __init__(self, pick: Callable[[list[CloseWork]], int] = lambda waiting: 0) -> None:
        self.waiting: list[CloseWork] = []
        self._pick = pick

    def send(self, work: Iterable[CloseWork]) -> None:
        self.waiting += work

    def receive(self) -> CloseWork:
        return CloseWork.from_body(self.waiting.pop(self._pick(self.waiting)).to_body())


class Fragile:
    """Stands before a client and kills the process before and after every write, each time only once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.killed: list[tuple[Any, ...]] = []

    def boundary(self, *step: Any) -> None:
        if step not in self.killed:
            self.killed.append(step)
            raise Killed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._wrapped(name, found) if name in WRITES else found

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(**request: Any) -> Any:
            key = request.get("Key") or {part: request["Item"][part] for part in ("pk", "sk")}
            step = name, str(key), str(request.get("ExpressionAttributeValues"))
            self.boundary(*step, "before")
            answer = call(**request)
            self.boundary(*step, "after")
            return answer

        return wrapped


def a_month(month: str | None = "2026-09") -> CloseRun:
    days = frozenset(DayOf(APP_ID, date(2026, 9, day)) for day in (1, 2))
    return CloseRun("run-1", AS_OF, month, days, started_at=AS_OF, book=BOOK)


def fan_out(books: Books, queue: Queue, client: Any = None, *, now: datetime = AS_OF) -> FanOut:
    runs = CloseRuns(client or books.dynamodb, books.bills.name)
    return FanOut(runs, queue.send, clock=lambda: now)


def drain(books: Books, queue: Queue, shared: FanOut, client: Any = None) -> None:
    """Work until nothing waits; a worker that dies gets its message again."""
    ledger = books.ledger(client=client, packages=[PACKAGE])
    while queue.waiting:
        work = queue.receive()
        try:
            shared.work(lambda: ledger, work)
        except Killed:
            queue.send([work])


def closed(books: Books) -> list[dict[str, Any]]:
    """Everything that was closed and stated, and what is left of runs."""
    prefixes = ("DAY#", "STATEMENT#", "CORRECTION#", "RUN")
    return [row for row in books.rows("") if row["pk"].startswith(prefixes)]


@pytest.fixture(scope="module")
def undisturbed() -> list[dict[str, Any]]:
    """What a run comes to in which nothing happens."""
    with account_books() as calm:
        filled(calm)
        queue = Queue()
        shared = fan_out(calm, queue)
        shared.begin(a_month())
        drain(calm, queue, shared)
        return closed(calm)


def test_a_run_closes_parts_days_and_month_and_is_forgotten(undisturbed: list[dict[str, Any]]) -> None:
    heads = [row["pk"] for row in undisturbed if row["sk"].startswith("V#")]
    days = [pk for pk in heads if pk.count("#") == 2]
    assert days == [f"DAY#{APP_ID}#2026-09-01", f"DAY#{APP_ID}#2026-09-02"]
    assert len([pk for pk in heads if pk.count("#") == 3]) >= 2
    assert heads[-1] == "STATEMENT#2026-09"
    assert not [row for row in undisturbed if row["pk"].startswith("RUN")]


def test_it_says_what_one_worker_says_alone(undisturbed: list[dict[str, Any]], books: Books) -> None:
    ledger = books.ledger(packages=[PACKAGE])
    ledger.close_days([date(2026, 9, 1), date(2026, 9, 2)], now=AS_OF)
    assert [row for row in undisturbed if row["pk"].startswith("DAY#")] == books.rows("DAY#")


def test_killed_between_every_two_steps_it_comes_to_the_same(
    books: Books, undisturbed: list[dict[str, Any]]
) -> None:
    """Every write of every step is interrupted once before and once after it; so is every message."""
    queue, client = Queue(), Fragile(books.dynamodb)

    def send(work: Iterable[CloseWork]) -> None:
        told = list(work)
        client.boundary("send", str(told), "before")
        queue.send(told)
        client.boundary("send", str(told), "after")

    shared = FanOut(CloseRuns(cast(Any, client), books.bills.name), send, clock=lambda: AS_OF)
    while True:
        try:
            shared.begin(a_month())
        except Killed:
            continue
        break
    drain(books, queue, shared, client)
    assert len(client.killed) > 60
    assert closed(books) == undisturbed


@pytest.mark.parametrize("seed", range(3))
def test_messages_that_come_twice_and_in_any_order_change_nothing(
    books: Books, undisturbed: list[dict[str, Any]], seed: int
) -> None:
    chance = random.Random(seed)
    queue = Queue(pick=lambda waiting: chance.randrange(len(waiting)))
    shared = FanOut(CloseRuns(books.dynamodb, books.bills.name), lambda work: queue.send([*work] * 2))
    shared.begin(a_month())
    # Those of later steps come first, before there is anything for them to do.
    queue.send([CloseWork("run-1"), *(CloseWork("run-1", day) for day in a_month().open)])
    drain(books, queue, shared)
    assert closed(books) == undisturbed


def test_what_the_queue_lost_is_sent_again(books: Books, undisturbed: list[dict[str, Any]]) -> None:
    """Every message is lost once, each of its kind in turn; the sweep asks the rows of the run."""
    queue, lost = Queue(), set[str]()
    shared = fan_out(books, queue)
    shared.begin(a_month())
    now = AS_OF
    while shared.runs.under_way():
        while queue.waiting:
            work = queue.receive()
            if work.to_body() not in lost:
                lost.add(work.to_body())
                continue
            shared.work(lambda: books.ledger(packages=[PACKAGE]), work)
        now += LOST_AFTER
        shared.sweep(now=now)
    assert len(lost) == 2 * 8 + 2 + 1
    assert closed(books) == undisturbed


def test_a_run_that_is_young_is_left_to_its_workers(books: Books) -> None:
    queue = Queue()
    shared = fan_out(books, queue)
    shared.begin(a_month())
    queue.waiting.clear()
    assert shared.sweep(now=AS_OF + LOST_AFTER - timedelta(seconds=1)) == 0
    assert shared.sweep(now=AS_OF + LOST_AFTER) == 16


def test_a_run_that_goes_on_is_left_to_its_workers_however_long_it_takes(books: Books) -> None:
    """A large one is no lost one."""
    later = AS_OF + timedelta(hours=3)
    queue = Queue()
    shared = fan_out(books, queue, now=later)
    run = shared.begin(replace(a_month(), whole_days=True))
    shared.work(lambda: books.ledger(packages=[PACKAGE]), CloseWork(run.id, DayOf(APP_ID, date(2026, 9, 1))))
    queue.waiting.clear()
    assert shared.sweep(now=later + LOST_AFTER - timedelta(seconds=1)) == 0
    assert shared.sweep(now=later + LOST_AFTER) == 1


def test_a_schedule_that_rings_twice_begins_one_run(books: Books) -> None:
    queue = Queue()
    shared = fan_out(books, queue)
    (daily,) = due_runs(books.ledger(), as_of=AS_OF, now=AS_OF)
    assert daily.id == f"daily-2026-09-2026-09-03-{BOOK[:12]}"
    shared.begin(daily)
    shared.begin(daily)
    assert len(shared.runs.under_way()) == 1


def test_a_message_of_a_run_that_is_over_does_nothing(books: Books) -> None:
    queue = Queue()
    shared = fan_out(books, queue)
    for work in (CloseWork("gone"), CloseWork("gone", DayOf(APP_ID, date(2026, 9, 2)), 0)):
        shared.work(books.ledger, work)
    assert closed(books) == []
    assert queue.waiting == []


def test_last_month_is_closed_when_it_is_due_and_corrected_when_facts_come_late(books: Books) -> None:
    """billing-rules.md §9.4: closed from the 3rd on; later facts are booked in the month they come in."""
    queue = Queue()
    shared = fan_out(books, queue)
    shared.begin(a_month())
    drain(books, queue, shared)
    runs = {run.id: run for run in due_runs(books.ledger(), as_of=CLOSING, now=CLOSING)}
    assert {*runs} == {f"{name}-2026-10-03-{BOOK[:12]}" for name in ("daily-2026-10", "month-2026-09")}
    shared.begin(short(runs[f"month-2026-09-2026-10-03-{BOOK[:12]}"]))
    drain(books, queue, shared)
    stated = books.ledger().statements.latest("2026-09")
    assert stated is not None
    assert stated.document["state"] == "closed"
    books.push(fee_body(call(9, 95, hour=9)), at=CLOSING)
    monday = utc("2026-10-05 04:00:00")
    (recheck,) = (
        run for run in due_runs(books.ledger(), as_of=monday, now=monday) if run.id.startswith("recheck")
    )
    for _ in range(2):
        shared.begin(short(recheck))
        drain(books, queue, shared)
    found = list(books.ledger().corrections.versions("2026-09"))
    assert [(each.number, each.document["amount"]) for each in found] == [(1, "0.20")]


def short(run: CloseRun) -> CloseRun:
    """The run with the two days that have calls, of a whole month."""
    assert len(run.open) == 30
    return replace(run, open=a_month().open)


def test_a_day_whose_facts_may_be_forgotten_is_in_no_run(books: Books) -> None:
    ledger = books.ledger(kept_days=30)
    run = run_of(ledger, "2026-09", as_of=utc("2026-09-28 04:00:00"), now=AS_OF)
    assert min(day.day for day in run.open) == date(2026, 9, 8)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"run": "r", "day": "soon"}', '{"run": "r", "shard": 8}'])
def test_a_message_of_nobody_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        CloseWork.from_body(body)


def amount(books: Books) -> str:
    """What the calls of the stored month come to."""
    seen = books.ledger().statements.latest("2026-09")
    assert seen is not None
    return str(seen.document["calls"]["amount"])


def test_days_that_were_closed_at_other_prices_are_rated_anew_before_the_month_is_stated(
    books: Books,
) -> None:
    """U-P24: the daily run closes two days, the other ones of the month have other prices as well."""
    state_month(books.ledger(), "2026-09", as_of=AS_OF)
    ledger = books.ledger(DEARER)
    ledger.close_days([date(2026, 9, 2)], now=AS_OF)
    state_month(ledger, "2026-09", as_of=AS_OF, stored=True)
    assert Decimal(amount(books)) == Decimal("1.60")


def test_a_call_across_midnight_stays_in_the_month_when_the_rule_of_usage_time_changes(books: Books) -> None:
    """billing-rules.md §1: it ended on a day that is closed anew, and was answered on one that is not."""
    books.push(fee_body(call(9, 7200, hour=15, day=2)), at=EVENING + timedelta(days=1))
    later = AS_OF + timedelta(days=1)
    days = [date(2026, 9, day) for day in (1, 2, 3)]
    books.ledger().close_days(days, now=later)
    before = state_month(books.ledger(), "2026-09", as_of=later, stored=True)[0].version.document
    ledger = books.ledger(BY_ANSWER)
    ledger.close_days(days[2:], now=later)
    after = state_month(ledger, "2026-09", as_of=later, stored=True)[0].version.document
    assert after["calls"]["minutes"] == before["calls"]["minutes"] == 8 + 120


def test_prices_stored_while_a_run_is_under_way_hold_for_all_of_it(books: Books) -> None:
    """Its parts are closed, then a price book is stored: the days are rated anew, not merged."""
    queue = Queue()
    shared = fan_out(books, queue)
    shared.begin(a_month())
    while queue.waiting[0].shard is not None:
        shared.work(books.ledger, queue.receive())
    while queue.waiting:
        shared.work(lambda: books.ledger(DEARER), queue.receive())
    assert Decimal(amount(books)) == Decimal("1.60")


def test_a_run_at_other_prices_is_another_run(books: Books) -> None:
    first, second = (
        run_of(books.ledger(book), "2026-09", as_of=AS_OF, now=AS_OF) for book in (EXAMPLE_PRICES, DEARER)
    )
    assert first.id != second.id
    assert first.book != second.book


def test_who_finishes_a_run_that_is_over_leaves_the_next_one_of_its_name(books: Books) -> None:
    """Two workers have the message of the month; the slow one comes after the run was begun again."""
    runs = CloseRuns(books.dynamodb, books.bills.name)
    slow = runs.start(a_month())
    runs.finish(slow)
    again = runs.start(replace(a_month(), started_at=AS_OF + timedelta(hours=1)))
    runs.finish(slow)
    assert runs.get(again.id) == again
    assert runs.open_shards(again, DayOf(APP_ID, date(2026, 9, 1))) == frozenset(range(8))


class Begins:
    """A client as the function that begins runs has it: it deletes and updates nothing."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.before_head: Any = None

    def put_item(self, **request: Any) -> Any:
        if decode(request["Item"])["pk"] == "RUNS" and self.before_head:
            self.before_head()
        return self._client.put_item(**request)

    def __getattr__(self, name: str) -> Any:
        assert name not in {"delete_item", "update_item"}
        return getattr(self._client, name)


def killed() -> None:
    raise Killed


def test_days_of_a_start_that_died_expire(books: Books) -> None:
    """Who is invoked again begins at another moment, so nobody finds what the first one wrote."""
    client = Begins(books.dynamodb)
    runs = CloseRuns(cast(Any, client), books.bills.name)
    client.before_head = killed
    with pytest.raises(Killed):
        runs.start(a_month())
    client.before_head = None
    again = runs.start(replace(a_month(), started_at=AS_OF + timedelta(minutes=1)))
    CloseRuns(books.dynamodb, books.bills.name).finish(again)
    left = books.rows("RUN")
    assert {row["expires_at"] for row in left} == {int((AS_OF + timedelta(days=40)).timestamp())}
    assert len(left) == 2


def test_of_two_that_begin_at_once_one_begins_and_neither_deletes(books: Books) -> None:
    client, calm = Begins(books.dynamodb), CloseRuns(books.dynamodb, books.bills.name)
    client.before_head = lambda: calm.start(a_month())
    late = replace(a_month(), started_at=AS_OF + timedelta(seconds=1))
    assert CloseRuns(cast(Any, client), books.bills.name).start(late) == a_month()


def test_a_run_by_days_writes_none_down(books: Books) -> None:
    shared = fan_out(books, Queue())
    shared.begin(replace(a_month(), whole_days=True))
    assert [row["pk"] for row in books.rows("RUN")] == ["RUNS"]


class Blind:
    """A client that can read no line of versions whose name begins so."""

    def __init__(self, client: Any, name: str = "") -> None:
        self._client = client
        self._name = name

    def query(self, **request: Any) -> Any:
        values = decode(request["ExpressionAttributeValues"])
        lines = any("LINES#" in str(value) for value in values.values())
        assert not (lines and values[":pk"].startswith(self._name))
        return self._client.query(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_month_too_large_for_the_worker_ends_its_run_and_comes_no_more(
    books: Books, undisturbed: list[dict[str, Any]]
) -> None:
    """Its days stay as they are closed; who gives the worker more memory begins the month again."""
    queue = Queue()
    shared = fan_out(books, queue)
    shared.begin(a_month())
    small = books.ledger(packages=[PACKAGE], memory_mb=150)
    while queue.waiting:
        work = queue.receive()
        if work.day is not None:
            shared.work(lambda: small, work)
            continue
        with pytest.raises(MonthsRefused, match=r"2026-09: .*more memory"):
            shared.work(lambda: small, work)
    assert shared.sweep(now=AS_OF + LOST_AFTER) == 0
    shared.begin(a_month())
    drain(books, queue, shared)
    assert closed(books) == undisturbed


def test_a_month_is_known_to_be_too_large_before_its_cells_are_read(books: Books) -> None:
    days = [date(2026, 9, 1), date(2026, 9, 2)]
    books.ledger().close_days(days, now=AS_OF)
    small = books.ledger(client=Blind(books.dynamodb), memory_mb=150)
    with pytest.raises(MonthTooLarge):
        small.stored_days(days)
    with pytest.raises(MonthTooLarge):
        small.close_days(days, now=AS_OF)


def test_a_month_that_no_close_has_counted_yet_is_counted_while_it_is_closed(books: Books) -> None:
    assert cells_in(150) == 0
    with pytest.raises(MonthTooLarge):
        books.ledger(memory_mb=150).close_days([date(2026, 9, 1), date(2026, 9, 2)], now=AS_OF)
    assert len(books.ledger(memory_mb=1024).close_days([date(2026, 9, 1)], now=AS_OF)) == 1


def test_prices_are_not_compared_for_a_month_that_memory_does_not_hold(books: Books) -> None:
    with pytest.raises(MonthTooLarge):
        rerate(books.ledger(memory_mb=150), "2026-09", DEARER, as_of=AS_OF)


def test_a_day_whose_parts_say_what_they_said_is_not_merged_again(books: Books) -> None:
    day = date(2026, 9, 2)
    (merged,) = books.ledger().close_days([day], now=AS_OF)
    closer = books.ledger(client=Blind(books.dynamodb, f"DAY#{APP_ID}#2026-09-02#")).closer
    assert closer.merge(APP_ID, day, now=CLOSING) == merged


def test_a_closed_month_is_looked_at_again_a_day_a_message(
    books: Books, undisturbed: list[dict[str, Any]]
) -> None:
    """Each of them closes all parts of its day that are open; one that dies in between goes on."""
    queue, client = Queue(), Fragile(books.dynamodb)
    shared = fan_out(books, queue, client)
    while not queue.waiting:
        try:
            shared.begin(replace(a_month(), whole_days=True))
        except Killed:
            continue
    assert [work.shard for work in queue.waiting] == [None, None]
    drain(books, queue, shared, client)
    assert closed(books) == undisturbed


def test_the_runs_that_look_again_are_those_that_go_by_day(books: Books) -> None:
    state_month(books.ledger(), "2026-09", as_of=CLOSING)
    monday = utc("2026-10-05 04:00:00")
    runs = due_runs(books.ledger(), as_of=monday, now=monday)
    assert [(run.id[:7], run.whole_days) for run in runs] == [("daily-2", False), ("recheck", True)]
    begun = fan_out(books, Queue()).begin(short(runs[1]))
    assert begun.whole_days


def test_a_message_that_has_nothing_to_do_opens_no_books(books: Books) -> None:
    shared = fan_out(books, Queue())
    shared.begin(a_month())

    def never() -> Ledger:
        raise AssertionError("opened")

    first = DayOf(APP_ID, date(2026, 9, 1))
    shared.runs.take_shard(a_month(), first, 3)
    for work in (
        CloseWork("gone"),
        CloseWork("run-1", first, 3),
        CloseWork("run-1", first),
        CloseWork("run-1"),
    ):
        assert shared.work(never, work) == 0


def test_facts_of_a_part_that_was_closed_before_are_read_once(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2026, 9, 2)
    (closed_day,) = books.ledger().close_days([day], now=AS_OF)
    used = [ref.shard for ref in closed_day.close.parts]
    read = list[int]()
    original = FactStore.sms_of_day

    def counted(store: FactStore, application: str, day: date, shards: Sequence[int]) -> Iterator[SmsFact]:
        read.extend(shards)
        return original(store, application, day, shards)

    monkeypatch.setattr(FactStore, "sms_of_day", counted)
    for shard in used:
        books.ledger().closer.close_part(Part(APP_ID, day, shard), now=AS_OF)
    assert read == used != []
