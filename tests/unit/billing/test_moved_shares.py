"""What a correction moves, against what is stored of its month; billing-rules.md §8.3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

from builders.billing import utc
from privatenumber.billing.closing.allocation import Share
from privatenumber.billing.closing.booking import said_shares
from privatenumber.billing.closing.costs import View
from privatenumber.billing.closing.moved_shares import moved_shares
from privatenumber.billing.ledger import Ledger
from privatenumber.store.versions import Version

NOTHING = Decimal(0)


def share(view: View, key: str, minutes: int) -> Share:
    return Share(view, key, minutes, 0, Decimal(minutes) / 10, NOTHING, NOTHING, NOTHING)


def lines(*shares: Share) -> list[dict[str, Any]]:
    return [each.document() for each in shares]


def moved(now: list[Share], *said: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(line["view"], line["key"], line["minutes"]) for line in moved_shares(now, said)]


def test_views_and_keys_that_one_side_lacks_are_moved_in_full() -> None:
    now = [share(View.APPLICATION, "a", 3), share(View.X, "x2", 3), share(View.ORDER, "#unassigned", 3)]
    said = lines(share(View.APPLICATION, "a", 2), share(View.X, "x1", 2), share(View.ORDER, "o1", 2))
    assert moved(now, said) == [
        ("application", "a", 1),
        ("x", "x1", -2),
        ("x", "x2", 3),
        ("order", "#unassigned", 3),
        ("order", "o1", -2),
    ]


def test_corrections_count_with_the_statement_and_what_is_as_it_was_is_not_moved() -> None:
    now = [share(View.X, "x1", 5), share(View.X, "x2", 1)]
    first, then = lines(share(View.X, "x1", 2), share(View.X, "x2", 1)), lines(share(View.X, "x1", 2))
    assert moved(now, first, then) == [("x", "x1", 1)]


@dataclass
class Stored:
    """A store of one version, or of none."""

    told: list[Version]
    said: list[dict[str, Any]]

    def versions(self, month: str) -> Iterator[Version]:
        return iter(self.told)

    def each_line(self, version: Version) -> Iterator[Mapping[str, Any]]:
        return iter(self.said)


@dataclass
class Books:
    statements: Stored
    corrections: Stored


def test_who_was_erased_from_a_statement_stands_where_his_name_stood_and_still_counts_once() -> None:
    """Erasure leaves the order of lines: the X in the middle is ``erased`` now, which would come first."""
    said = lines(share(View.X, "x1", 1), share(View.X, "erased", 2), share(View.X, "f3", 3))
    closed = Version("STATEMENT#2026-09", 1, "h", {"month": "2026-09"}, 3, utc("2026-10-03 04:00:00"))
    books = Books(Stored([closed], said), Stored([], []))
    ledger = cast(Ledger, books)
    now = [share(View.X, key, minutes) for key, minutes in (("erased", 2), ("f3", 3), ("x1", 1))]
    (shares,) = said_shares(ledger, replace(closed, redacted="r"))
    assert moved(now, [dict(line) for line in shares]) == []
