"""Lists of calls on Amazon's own engine, which refuses what moto lets pass."""

from __future__ import annotations

from datetime import timedelta

import pytest

from builders.chronicled import Chronicled
from builders.dynamodb import local_client, new_table
from builders.pushes import SIGNED_AT, X, fee_body, many_cdrs
from privatenumber.store.call_search import CallSearch, Index, Kind

pytestmark = pytest.mark.dynamodb_local


@pytest.fixture(scope="module")
def search(dynamodb_local: str) -> CallSearch:
    """Five calls on one X."""
    desk = Chronicled(new_table(local_client(dynamodb_local), "BillsTable"))
    cdrs = [entry | {"callInTime": f"2026-09-02 01:00:0{n}"} for n, entry in enumerate(many_cdrs(5))]
    desk.receive(fee_body(*cdrs))
    desk.follow(desk.stored())
    return CallSearch(desk.bills.client, desk.bills.name)


def test_a_page_begins_behind_the_last_one(search: CallSearch) -> None:
    found, before = list[str](), None
    while page := search.newest(Kind.CALL, "demo", (Index.X,), X, before=before, limit=2):
        found += [place.moment for place in page]
        before = page[-1].moment
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found) == 5


@pytest.mark.parametrize("of_days", [False, True])
def test_a_cursor_before_the_stretch_is_its_end(search: CallSearch, of_days: bool) -> None:
    """The last 24 hours are others when the next page is asked for."""
    cursor, since = "2026-09-02T01:00:02.000Z#x", SIGNED_AT + timedelta(seconds=3)
    if of_days:
        page = search.newest_of_days(
            Kind.CALL, "demo", since=since, until=since + timedelta(days=1), before=cursor, limit=9
        )
    else:
        page = search.newest(Kind.CALL, "demo", (Index.X,), X, since=since, before=cursor, limit=9)
    assert page == []


def test_a_stretch_includes_both_its_ends(search: CallSearch) -> None:
    since, until = SIGNED_AT + timedelta(seconds=1), SIGNED_AT + timedelta(seconds=3)
    assert len(search.newest(Kind.CALL, "demo", (Index.X,), X, since=since, until=until, limit=9)) == 3
    assert len(search.newest_of_days(Kind.CALL, "demo", since=since, until=until, limit=9)) == 3
