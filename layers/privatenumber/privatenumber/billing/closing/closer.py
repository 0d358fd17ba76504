"""Closes parts and days of an account against the tables: reads their facts, stores what they come to."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from privatenumber.billing.closing.attribution import Owners, kept_in
from privatenumber.billing.closing.cells import cells_of, merge_cells
from privatenumber.billing.closing.days import (
    ClosedDay,
    DayClose,
    KeptPart,
    PartRef,
    day_in,
    merge_day,
    part_ref,
)
from privatenumber.billing.closing.lines import UNKNOWN, Belonging, Line, fact_address, read_line
from privatenumber.billing.closing.parts import Part, PartClose, PartFacts, Terms, close_part, rules_hash
from privatenumber.billing.rating.calls import record_days
from privatenumber.billing.rating.rent import month_text
from privatenumber.billing.tariff.prices import PriceBook, UsageTime
from privatenumber.settings import Mode
from privatenumber.store.closes import CloseStore
from privatenumber.store.fact_rows import SHARDS, CdrFact
from privatenumber.store.facts import FactStore
from privatenumber.store.month_looks import LookStore
from privatenumber.store.numbers import NumberType
from privatenumber.store.orders import OrderStore
from privatenumber.store.sms_rows import SmsFact
from privatenumber.store.versions import Version, VersionBroken, settle
from privatenumber.store.whereabouts import Whereabouts


class DayCloser:
    """Closes parts and days of one account against the tables."""

    def __init__(
        self,
        facts: FactStore,
        closes: CloseStore,
        looks: LookStore,
        orders: OrderStore,
        prices: PriceBook,
        inventory: Mapping[str, NumberType],
        modes: Mapping[str, Mode],
        places: Mapping[str, Whereabouts],
    ) -> None:
        self._facts = facts
        self._closes = closes
        self._looks = looks
        self._orders = orders
        self._prices = prices
        self._inventory = inventory
        self._modes = modes
        self._places = places

    def rate_part(self, part: Part, seen: Version | None) -> PartClose:
        """A part as its facts stand now; `seen` is its latest stored close. Writes nothing."""
        return self._rate_part(part, seen, (self._prices,))[0]

    def _rate_part(self, part: Part, seen: Version | None, books: Sequence[PriceBook]) -> list[PartClose]:
        application = part.application
        kept = kept_in(map(read_line, self._closes.lines(seen))) if seen else {}
        read = {rule: self._facts_of(part, rule) for rule in {book.usage_time for book in books}}
        for facts in read.values():
            self._learn_orders(application, facts, kept)
        owners = Owners(
            application,
            self._modes.get(application),
            self._places.get(application, Whereabouts()),
            self._orders,
            kept,
        )
        return [
            close_part(part, read[book.usage_time], Terms(book, self._inventory, owners)) for book in books
        ]

    def _facts_of(self, part: Part, usage_time: UsageTime) -> PartFacts:
        application, shards = part.application, (part.shard,)
        days = record_days(part.day, usage_time)
        return PartFacts(
            cdrs=[cdr for day in days for cdr in self._facts.cdrs_of_day(application, day, shards)],
            contradictions=list(self._facts.variants_of_day(application, part.day, shards)),
            texts=list(self._facts.sms_of_day(application, part.day, shards)),
        )

    def close_part(self, part: Part, *, now: datetime) -> None:
        """Close a part and store it, unless what is stored says the same or there is nothing to say.

        Raises VersionTaken under lasting contention.
        """
        settle(lambda: self._close_part(part, self._latest(part), now))

    def rate(self, application: str, day: date) -> tuple[DayClose, Version | None]:
        """A day as its facts stand now, and its latest stored close; writes nothing."""
        seen = self._closes.latest(application, day)
        return self._rate(application, day, seen, (self._prices,))[0], seen

    def rate_with(self, application: str, day: date, books: Sequence[PriceBook]) -> list[DayClose]:
        """The same at the prices of each book; facts are read once."""
        return self._rate(application, day, self._closes.latest(application, day), books)

    def _rate(
        self, application: str, day: date, seen: Version | None, books: Sequence[PriceBook]
    ) -> list[DayClose]:
        rated = [self._rated(part, self._named(part, seen), books) for part in _parts(application, day)]
        return [
            merge_day(application, day, [self._kept(closes[at], version) for closes, version in rated])
            for at in range(len(books))
        ]

    def close(self, application: str, day: date, *, now: datetime) -> ClosedDay:
        """Close all parts of a day and the day itself. Raises VersionTaken (contention)."""

        def attempt() -> ClosedDay:
            # Read first: whoever adds a version after this makes ours fail instead of being covered by it.
            seen = self._closes.latest(application, day)
            parts = [
                self._close_part(part, self._named(part, seen), now) for part in _parts(application, day)
            ]
            return self._add(merge_day(application, day, parts), seen, now)

        return settle(attempt)

    def is_current(self, close: DayClose) -> bool:
        """Whether a day was rated with the prices and rules of this closer."""
        return close.rules == rules_hash(self._prices, close.day)

    def merge(self, application: str, day: date, *, now: datetime) -> ClosedDay:
        """Close a day from the stored closes of its parts. Raises VersionTaken (contention).

        When some of them were rated with other prices or rules all are rated anew.
        """
        rules = rules_hash(self._prices, day)

        def attempt() -> ClosedDay | None:
            seen = self._closes.latest(application, day)
            found = [self._closes.latest(application, day, shard) for shard in range(SHARDS)]
            if any(head is not None and head.document.get("rules") != rules for head in found):
                return None
            heads = [head for head in found if head is not None and head.lines]
            refs = tuple(part_ref(head.document["shard"], head.hash, head.document) for head in heads)
            if seen is not None and _is_made_of(seen, refs, rules):
                return self._read(seen)
            cells = merge_cells(
                cell for head in heads for cell in cells_of(day, map(read_line, self._closes.lines(head)))
            )
            return self._add(DayClose(application, day, refs, cells, rules), seen, now)

        return settle(attempt) or self.close(application, day, now=now)

    def closed(self, application: str, day: date, content: str | None = None) -> ClosedDay | None:
        """A day as it is stored, or was under a hash; None before its first close. Raises VersionBroken."""
        if content is None:
            version = self._closes.latest(application, day)
        else:
            version = self._closes.with_hash(application, day, content)
        return self._read(version) if version else None

    def parts_then(self, application: str, day: date, content: str) -> DayClose | None:
        """The parts that a day was merged from under a hash; its cells are not read."""
        version = self._closes.with_hash(application, day, content)
        return day_in(version, ()) if version else None

    def _read(self, version: Version) -> ClosedDay:
        # Cells name no person whom an erasure might take out meanwhile, so they are read one by one.
        return ClosedDay(day_in(version, self._closes.each_line(version)), version)

    def lines_of(self, close: DayClose, shards: Container[int] = range(SHARDS)) -> Iterator[Line]:
        """The rated records behind a day, part by part. Raises VersionBroken."""
        for ref in (ref for ref in close.parts if ref.shard in shards):
            head = self._closes.with_hash(close.application, close.day, ref.hash, ref.shard)
            if head is None:
                raise VersionBroken(f"{close.application} {close.day} part {ref.shard}")
            yield from map(read_line, self._closes.lines(head))

    def _learn_orders(self, application: str, facts: PartFacts, kept: Mapping[str, Belonging]) -> None:
        """Find the orders of the records for which no earlier close names one, many at a time."""
        found: set[str] = set()
        records: tuple[CdrFact | SmsFact, ...] = (*facts.cdrs, *facts.contradictions, *facts.texts)
        for fact in records:
            if fact.subscription_id and kept.get(fact_address(fact), UNKNOWN).order is None:
                found.add(fact.subscription_id)
        self._orders.learn(application, found)

    def _named(self, part: Part, day: Version | None) -> Version | None:
        """The latest close of a part that its day names. Most parts of most days have none."""
        named = day is not None and part.shard in {ref["shard"] for ref in day.document["parts"]}
        return self._latest(part) if named else None

    def _rated(
        self, part: Part, seen: Version | None, books: Sequence[PriceBook]
    ) -> tuple[list[PartClose], Version | None]:
        """A part as its facts stand now, at the prices of each book, and its latest stored close.

        Without `seen` it has none, unless a crash came before its day was merged: so it is asked only when
        there are facts.
        """
        closes = self._rate_part(part, seen, books)
        if seen is None and any(close.lines for close in closes):
            seen = self._latest(part)
            closes = self._rate_part(part, seen, books) if seen else closes
        return closes, seen

    def _close_part(self, part: Part, seen: Version | None, now: datetime) -> KeptPart:
        (close,), seen = self._rated(part, seen, (self._prices,))
        if seen is None and not close.lines:
            return KeptPart(close, "")
        lines = [line.document() for line in close.lines]
        version = self._closes.add(
            part.application, part.day, close.document(), lines, seen=seen, made_at=now, shard=part.shard
        )
        return KeptPart(close, version.hash)

    def _kept(self, close: PartClose, seen: Version | None) -> KeptPart:
        found = close.hash()
        return KeptPart(close, seen.hash if seen and seen.says(found) else found)

    def _latest(self, part: Part) -> Version | None:
        return self._closes.latest(part.application, part.day, part.shard)

    def _add(self, close: DayClose, seen: Version | None, now: datetime) -> ClosedDay:
        if close.cells and not (seen and seen.lines):
            self._looks.expect(month_text(close.day))
        version = self._closes.add(
            close.application, close.day, close.document(), close.lines(), seen=seen, made_at=now
        )
        return ClosedDay(close, version)


def _is_made_of(version: Version, parts: Iterable[PartRef], rules: str) -> bool:
    told = version.document
    return told.get("rules") == rules and told["parts"] == [part.document() for part in parts]


def _parts(application: str, day: date) -> Iterator[Part]:
    return (Part(application, day, shard) for shard in range(SHARDS))
