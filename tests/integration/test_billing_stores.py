"""The small stores that billing reads through: orders, inventory, files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from builders.books import Books, account_books
from builders.pushes import APP_ID, SUBSCRIPTION, X
from builders.requests_made import log_requests
from privatenumber.store import files, inventory
from privatenumber.store.files import FileMissing, FileStore, FileTooLarge
from privatenumber.store.inventory import Inventory
from privatenumber.store.orders import OrderRef, OrderStore


@pytest.fixture
def books() -> Iterator[Books]:
    with account_books() as opened:
        yield opened


def test_an_order_is_found_by_the_platforms_binding_id(books: Books) -> None:
    books.bind("order-1001", SUBSCRIPTION, X)
    store = OrderStore(books.dynamodb, books.bindings.name)
    assert store.find(APP_ID, SUBSCRIPTION) == OrderRef("order-1001", "binding-order-1001", X, "0755")
    assert store.find("other", SUBSCRIPTION) is None
    assert store.find(APP_ID, "unknown") is None


def test_each_binding_is_looked_up_once(books: Books) -> None:
    store = OrderStore(books.dynamodb, books.bindings.name)
    log = log_requests(books.dynamodb)
    for _ in range(3):
        store.find(APP_ID, SUBSCRIPTION)
    assert log.operations == ["Query"]


def test_the_inventory_holds_every_number_of_every_page(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_PAGE", 2)
    numbers = {f"+861701000000{n}" for n in range(1, 6)}
    for x in numbers:
        books.number(x)
    found = list(Inventory(books.dynamodb, books.bindings.name).numbers(APP_ID))
    assert len(found) == 5
    assert {number.x for number in found} == numbers


def test_a_file_is_read(books: Books) -> None:
    books.upload("imports/a.csv", b"x")
    assert FileStore(books.s3, books.bucket).read("imports/a.csv") == b"x"


def test_a_missing_file_is_told_without_its_key(books: Books) -> None:
    with pytest.raises(FileMissing, match="no such file"):
        FileStore(books.s3, books.bucket).read("+8613800138001.csv")


def test_a_file_beyond_the_limit_is_not_read(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 3)
    store = FileStore(books.s3, books.bucket)
    assert store.read(books.upload("three.csv", b"123")) == b"123"
    with pytest.raises(FileTooLarge, match="split the file"):
        store.read(books.upload("four.csv", b"1234"))
