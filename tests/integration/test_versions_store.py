"""Versions that nobody edits: written once, whole, by one of several writers."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from builders.closing import NOON
from builders.dynamodb import Table, local_client, moto_client, new_table
from privatenumber.store.items import encode
from privatenumber.store.versions import (
    PAGE_BYTES,
    Version,
    VersionBroken,
    VersionStore,
    VersionTaken,
    content_hash,
    settle,
)

NAME = "DAY#demo#2026-09-02"
HEAD = {"kind": "test", "total": "1.00"}


@pytest.fixture
def bills() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


@pytest.fixture
def store(bills: Table) -> VersionStore:
    return VersionStore(bills.client, bills.name)


def lines(count: int, note: str = "") -> list[dict[str, Any]]:
    return [{"line": number, "note": note or f"line {number}"} for number in range(count)]


def add(store: VersionStore, body: list[dict[str, Any]], seen: Version | None) -> Version:
    return store.add(NAME, HEAD, body, seen=seen, made_at=NOON)


def test_there_is_no_version_before_the_first(store: VersionStore) -> None:
    assert store.latest(NAME) is None


def test_a_version_is_read_as_it_was_written(store: VersionStore) -> None:
    written = add(store, lines(3), None)
    assert store.latest(NAME) == written
    assert (written.number, written.document, store.lines(written)) == (1, HEAD, lines(3))


def test_the_same_content_adds_no_version(store: VersionStore, bills: Table) -> None:
    first = add(store, lines(3), None)
    assert add(store, lines(3), first) == first
    assert bills.client.scan(TableName=bills.name)["Count"] == 2


def test_new_content_adds_a_version_and_leaves_the_old_one(store: VersionStore) -> None:
    first = add(store, lines(3), None)
    second = add(store, lines(4), first)
    assert [version.number for version in store.versions(NAME)] == [2, 1]
    assert (store.lines(first), store.lines(second)) == (lines(3), lines(4))


def test_content_may_come_back(store: VersionStore) -> None:
    first = add(store, lines(3), None)
    third = add(store, lines(3), add(store, lines(4), first))
    assert third.number == 3
    assert store.lines(first) == store.lines(third)


def test_a_version_without_lines_is_a_version(store: VersionStore) -> None:
    assert store.lines(add(store, [], None)) == []


def test_many_lines_are_spread_over_items_far_below_the_limit(store: VersionStore, bills: Table) -> None:
    """400 KB per item (service limit); random texts compress badly."""
    body = [{"line": n, "digest": content_hash({"n": n}, [])} for n in range(12_000)]
    written = add(store, body, None)
    assert store.lines(written) == body
    items = bills.client.scan(TableName=bills.name)["Items"]
    sizes = [len(item["lines"]["B"]) for item in items if "B" in item.get("lines", {})]
    assert len(sizes) >= 1_000_000 // PAGE_BYTES
    assert max(sizes) < 400_000


def test_a_writer_with_an_old_state_learns_it(store: VersionStore) -> None:
    first = add(store, lines(1), None)
    add(store, lines(2), first)
    with pytest.raises(VersionTaken):
        add(store, lines(3), first)
    with pytest.raises(VersionTaken):
        add(store, lines(3), None)


def test_a_writer_that_was_overtaken_reads_again_and_writes_behind_the_winner(store: VersionStore) -> None:
    others = iter([lines(2, "other"), lines(2, "another")])

    def attempt() -> Version:
        seen = store.latest(NAME)
        for body in itertools.islice(others, 1):
            add(store, body, seen)
        return add(store, lines(3), seen)

    assert settle(attempt).number == 3


def test_a_writer_that_is_overtaken_every_time_learns_it(store: VersionStore) -> None:
    serial = itertools.count()

    def attempt() -> Version:
        seen = store.latest(NAME)
        add(store, lines(1, f"other {next(serial)}"), seen)
        return add(store, lines(3), seen)

    with pytest.raises(VersionTaken):
        settle(attempt)
    assert next(serial) == 5


def test_pages_of_an_interrupted_write_do_no_harm(store: VersionStore, bills: Table) -> None:
    broken = VersionStore(Failing(bills.client, puts=1), bills.name)  # type: ignore[arg-type]  # a client that dies
    with pytest.raises(PowerCut):
        add(broken, lines(3), None)
    assert store.latest(NAME) is None
    assert store.lines(add(store, lines(3), None)) == lines(3)


def test_a_lost_page_is_noticed(store: VersionStore, bills: Table) -> None:
    written = add(store, lines(3), None)
    key = encode({"pk": NAME, "sk": f"LINES#{written.hash}#000000"})
    bills.client.delete_item(TableName=bills.name, Key=key)
    with pytest.raises(VersionBroken, match="DAY#demo#2026-09-02 version 1"):
        store.lines(written)


@pytest.mark.dynamodb_local
def test_of_many_writers_one_wins(dynamodb_local: str) -> None:
    """On Amazon's own engine: 16 writers, one version, everybody else is told."""
    client = local_client(dynamodb_local)
    table = new_table(client, "BillsTable")
    store = VersionStore(client, table.name)
    outcomes: list[int] = []

    def write(number: int) -> None:
        try:
            outcomes.append(add(store, lines(3, f"writer {number}"), None).number)
        except VersionTaken:
            outcomes.append(0)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(outcomes) == [0] * 15 + [1]
    latest = store.latest(NAME)
    assert latest is not None
    assert len(store.lines(latest)) == 3


class PowerCut(BaseException):
    """The process is gone."""


class Failing:
    """A client whose process dies before the put after `puts` of them."""

    def __init__(self, client: Any, puts: int) -> None:
        self._client = client
        self._left = puts

    def put_item(self, **request: Any) -> Any:
        if not self._left:
            raise PowerCut
        self._left -= 1
        return self._client.put_item(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_redacted_version_keeps_its_name_and_says_what_is_left(store: VersionStore, bills: Table) -> None:
    """The one change that a version takes: somebody was erased from its lines (users.md U-N16)."""
    first = add(store, lines(3), None)
    without = [{**line, "note": "nobody"} for line in lines(3)]
    redacted = store.redact(first, without, now=NOON)
    assert (redacted.hash, redacted.number, redacted.document) == (first.hash, 1, HEAD)
    assert store.lines(redacted) == without
    assert store.latest(NAME) == redacted
    assert add(store, without, redacted) == add(store, lines(3), redacted) == redacted


def test_who_read_the_head_before_a_redaction_reads_the_lines_after_it(store: VersionStore) -> None:
    first = add(store, lines(3), None)
    without = [{"line": number} for number in range(3)]
    store.redact(first, without, now=NOON)
    store.sweep_pages(NAME, before=NOON + timedelta(hours=2))
    assert store.lines(first) == without


def test_of_two_redactions_from_one_reading_the_second_is_refused(store: VersionStore) -> None:
    first = add(store, lines(3), None)
    store.redact(first, [{"line": 1}] * 3, now=NOON)
    with pytest.raises(VersionTaken):
        store.redact(first, [{"line": 2}] * 3, now=NOON)


def test_pages_that_somebody_may_be_about_to_refer_to_stay(store: VersionStore) -> None:
    """A close is its pages first, then its head: in between nobody refers to them."""
    first = add(store, lines(3), None)
    store.redact(first, [{"line": 1}] * 3, now=NOON + timedelta(hours=2))
    assert store.sweep_pages(NAME, before=NOON) == 0
    assert store.sweep_pages(NAME, before=NOON + timedelta(hours=1)) == 1
