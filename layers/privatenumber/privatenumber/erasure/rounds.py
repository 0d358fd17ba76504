"""Rounds: one look at both tables serves all erasures that are due, so cost follows time, not requests.

A round is one row with a cursor. Whoever has its lease goes on where the last one stopped, page by page; a
crash repeats a page at most. A person is looked for twice, a day apart: what was under way during the first
look, or came late, is found by the second, and only then is it forgotten who he was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final

from privatenumber.erasure.certificate import certificate_of
from privatenumber.erasure.match import Unseal, hints
from privatenumber.erasure.model import AGAIN_AFTER, State, Subject, Target, looks
from privatenumber.erasure.orders import OrderBindings
from privatenumber.erasure.walk import Tally, Walk
from privatenumber.privacy import Keyring, token
from privatenumber.store.erasing import Hints
from privatenumber.store.erasure_rounds import Round, RoundStore
from privatenumber.store.erasures import ErasureRow, ErasureStore, Overtaken
from privatenumber.times import Clock

AT_ONCE: Final = 20
"""Erasures of one round."""

LEASE: Final = timedelta(seconds=330)
"""Longer than a run may take."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run did: pages it looked at, and erasures that it finished."""

    pages: int = 0
    finished: int = 0
    waiting: bool = False
    """The round is not over."""


def sealed_context(erasure: str) -> str:
    """What numbers and salt of an erasure are bound to."""
    return f"erasure#{erasure}"


@dataclass(frozen=True, slots=True)
class Rounds:
    """Goes on with the round, or begins one. ``count`` receives metrics."""

    store: ErasureStore
    progress: RoundStore
    walk: Walk
    orders: OrderBindings
    keyring: Callable[[], Keyring]
    unseal: Unseal
    clock: Clock
    count: Callable[[str, float], None]

    def run(self, left: Callable[[], float]) -> Ran:
        """Work until the round is over or no seconds are left; whoever took it first does it alone.

        Raises Changed, SealBroken, Overtaken when the lease was too short, botocore's errors; the next run
        goes on behind the last page done.
        """
        try:
            round_ = self._taken(self.clock())
        except Overtaken:
            return Ran()
        if round_ is None:
            return Ran()
        rows = [row for each in round_.ids if (row := self.store.get(each)) and not self._over(row, round_)]
        targets = [self._target(row) for row in rows]
        pages = 0
        while round_.table < len(self._tables):
            if left() <= 0:
                self._save(replace(round_, lease_until=None), round_)
                return Ran(pages, waiting=True)
            round_ = self._page(round_, rows, targets)
            pages += 1
        finished = sum(self._end(each, round_.number) for each in round_.ids)
        self._save(replace(round_, ids=(), lease_until=None), round_)
        self.count("ErasuresFinished", finished)
        return Ran(pages, finished)

    @property
    def _tables(self) -> tuple[str, str]:
        return self.walk.bindings, self.walk.bills

    def _taken(self, now: datetime) -> Round | None:
        """The round under our lease; None when somebody is at it, or nothing is due. Raises Overtaken."""
        known = self.progress.get()
        if known and known.ids:
            if known.lease_until and known.lease_until > now:
                return None
            return self._save(replace(known, lease_until=now + LEASE), known)
        due = [each for each in self.store.due(until=now, limit=AT_ONCE) if self._is_due(each, now)]
        if not due:
            return None
        number = known.number + 1 if known else 1
        return self._save(Round(number, 0, ids=tuple(due), lease_until=now + LEASE), known)

    def _is_due(self, erasure: str, now: datetime) -> bool:
        """The index may lag: a second look that came at once would find nothing late."""
        row = self.store.get(erasure)
        return row is not None and row.due_at is not None and row.due_at <= now

    def _save(
        self, round_: Round, seen: Round | None, counts: Mapping[str, Mapping[str, int]] | None = None
    ) -> Round:
        saved = replace(round_, version=seen.version + 1 if seen else 1)
        self.progress.put(saved, seen=seen.version if seen else None, counts=counts)
        return saved

    def _over(self, row: ErasureRow, round_: Round) -> bool:
        return row.state != State.WAITING or row.last_round == round_.number

    def _page(self, round_: Round, rows: Iterable[ErasureRow], targets: list[Target]) -> Round:
        wanted = reduce(or_, map(hints, targets), Hints())
        page = self.walk.eraser.page(self._tables[round_.table], round_.cursor, wanted)
        tally = Tally()
        if round_.cursor:
            tally.handled = {(erasure, round_.cursor["pk"]) for erasure in round_.handled}
        self.walk.rows(self._tables[round_.table], page.rows, targets, tally)
        for row in rows:
            if what := tally.in_use.get(row.id):
                self.store.left_in_use(row, what)
        following = replace(round_, cursor=page.cursor, handled=(), lease_until=self.clock() + LEASE)
        if page.cursor is None:
            following = replace(following, table=round_.table + 1)
        else:
            here = page.cursor["pk"]
            following = replace(
                following, handled=tuple(erasure for erasure, pk in sorted(tally.handled) if pk == here)
            )
        return self._save(following, round_, tally.counts)

    def _end(self, erasure: str, number: int) -> int:
        """End the look at one erasure, which a run before may have done; says whether it is finished now."""
        row, now = self.store.get(erasure), self.clock()
        if row is None or row.state != State.WAITING or row.last_round == number:
            return 0
        try:
            if not _is_last(row):
                self.store.put_off(row, until=now + AGAIN_AFTER, round_=number)
                return 0
            state = State.COUNTED if row.dry_run else State.DONE
            certificate = None if row.dry_run else certificate_of(row, now=now)
            self.store.finish(row, state=state.value, round_=number, now=now, certificate=certificate)
        except Overtaken:
            return 0
        self.count("ErasuresLeftInUse", int(bool(row.in_use)))
        return 1

    def _target(self, row: ErasureRow) -> Target:
        private: dict[str, Any] = json.loads(self.unseal(row.sealed or b"", sealed_context(row.id)))
        keyring, numbers = self.keyring(), frozenset(private["numbers"])
        days = row.older_than_days
        target = Target(
            erasure=row.id,
            subject=Subject(row.subject),
            as_of=row.created_at,
            salt=bytes.fromhex(private["salt"]),
            application=row.application,
            numbers=numbers,
            tokens=frozenset(token(keyring, number) for number in numbers),
            order=row.order,
            before=row.created_at - timedelta(days=days) if days else None,
            dry_run=row.dry_run,
            lift_bars=row.lift_bars,
            last=_is_last(row),
        )
        if row.order is None or row.application is None:
            return target
        found = self.orders.of(row.application, row.order)
        return replace(target, bindings=found.ids, subscriptions=found.subscriptions)


def _is_last(row: ErasureRow) -> bool:
    """Whether no look comes after this one."""
    return row.passes + 1 >= looks(Subject(row.subject), dry_run=row.dry_run)
