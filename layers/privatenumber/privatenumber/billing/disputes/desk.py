"""The desk of disputes: opens them from differences, moves them, and books what a decision is worth.

Each move is one conditional transaction on the version that was read: of two who decide at once one is told
that he came too late, and the same again by the same hand is no second move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from privatenumber.billing.disputes.states import DECIDED, DIFFERENCE, Act, accepted_amount, led_to
from privatenumber.store.differences import DifferenceState, DifferenceStore, Handling
from privatenumber.store.disputes import (
    Adjustment,
    AdjustmentKind,
    Dispute,
    DisputeState,
    DisputeStore,
    Entry,
)
from privatenumber.store.due import Overtaken
from privatenumber.times import beijing_month


class NoSuchDispute(Exception):
    """No dispute has this id."""


class NotDisputable(Exception):
    """The difference cannot be disputed; the message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A difference that a reconciliation has found: where, its id, and what it says as JSON."""

    month: str
    run: str
    difference: str
    line: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done: ``accepted`` for a part only; ``seen`` is the version he has looked at."""

    act: Act
    by: str
    why: str | None = None
    accepted: Decimal | None = None
    evidence: str | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Moves disputes."""

    disputes: DisputeStore
    differences: DifferenceStore

    def open(self, found: Found, *, by: str, why: str | None, now: datetime) -> tuple[Dispute, bool]:
        """Dispute a difference; says whether it is new. The same difference again is the same dispute.

        Raises NotDisputable, Overtaken under contention.
        """
        identity = f"{found.month}-{found.difference}"
        known = self.disputes.get(identity)
        if known:
            return known, False
        handling = self.differences.get(found.month, found.difference)
        if handling.state is DifferenceState.ADJUSTED:
            raise NotDisputable("it is adjusted already")
        dispute = _opened(identity, found, by=by, now=now)
        entry = Entry(identity, 1, now, by, Act.OPEN.value, None, dispute.state, why)
        try:
            self.disputes.move(dispute, entry, _moved(handling, dispute, by, now), seen=0)
        except Overtaken:
            known = self.disputes.get(identity)
            if known is None:
                raise
            return known, False
        return dispute, True

    def get(self, identity: str) -> Dispute:
        """One dispute. Raises NoSuchDispute."""
        found = self.disputes.get(identity)
        if found is None:
            raise NoSuchDispute
        return found

    def booked(self, dispute: Dispute, entries: Iterable[Entry]) -> list[Adjustment]:
        """The money that the moves of a dispute book, in their order."""
        months = sorted({beijing_month(entry.at) for entry in entries})
        rows = [row for month in months for row in self.disputes.adjustments(month, dispute.id)]
        return sorted(rows, key=lambda row: (row.number, row.kind.value))

    def act(self, identity: str, order: Order, *, now: datetime) -> tuple[Dispute, bool]:
        """Move a dispute; says whether it moved. What was just done in the same way is not done again.

        Raises NoSuchDispute, NotAllowed, AmountOutOfRange, NotDisputable, and Overtaken when it is not as it
        was seen.
        """
        dispute = self.get(identity)
        accepted = accepted_amount(order.act, dispute.amount, order.accepted)
        if self._is_repeated(dispute, order, accepted):
            return dispute, False
        if order.seen is not None and order.seen != dispute.version:
            raise Overtaken
        moved = replace(
            dispute,
            state=led_to(dispute.state, order.act),
            changed_at=now,
            accepted=accepted,
            evidence=order.evidence or dispute.evidence,
            version=dispute.version + 1,
        )
        entry = Entry(
            identity,
            moved.version,
            now,
            order.by,
            order.act.value,
            dispute.state,
            moved.state,
            order.why,
            accepted,
        )
        handling = self.differences.get(dispute.month, dispute.difference)
        if handling.dispute != dispute.id and handling.state is DifferenceState.ADJUSTED:
            raise NotDisputable("it was adjusted in another way meanwhile")
        self.disputes.move(
            moved,
            entry,
            _moved(handling, moved, order.by, now),
            _money(dispute, moved, order.by, now),
            seen=dispute.version,
        )
        return moved, True

    def _is_repeated(self, dispute: Dispute, order: Order, accepted: Decimal | None) -> bool:
        """Whether the last move was this one: its answer was lost, or somebody pressed twice."""
        if dispute.version == 1 or order.seen not in (None, dispute.version - 1, dispute.version):
            return False
        last = self.disputes.entry(dispute.id, dispute.version)
        return last is not None and (last.act, last.by, last.why, last.accepted) == (
            order.act.value,
            order.by,
            order.why,
            accepted,
        )


def _money(was: Dispute, moved: Dispute, by: str, now: datetime) -> list[Adjustment]:
    """What a decision books in the current month; reopened, the opposite of what it had booked."""
    if moved.state in DECIDED:
        sign, given, reverses = 1, moved.accepted, None
    elif was.state in DECIDED:
        sign, given, reverses = -1, was.accepted, was.version
    else:
        return []
    given = given or Decimal(0)
    parts = ((AdjustmentKind.CREDIT, -given), (AdjustmentKind.ADJUSTMENT, was.amount - given))
    return [
        Adjustment(
            month=beijing_month(now),
            dispute=was.id,
            number=moved.version,
            kind=kind,
            of_month=was.month,
            amount=sign * amount,
            at=now,
            by=by,
            application=was.application,
            reverses=reverses,
        )
        for kind, amount in parts
        if amount
    ]


def _opened(identity: str, found: Found, *, by: str, now: datetime) -> Dispute:
    amount = found.line.get("amount")
    if amount is None or amount == "unpriced":
        raise NotDisputable("nobody can price it")
    return Dispute(
        id=identity,
        month=found.month,
        run=found.run,
        difference=found.difference,
        kind=str(found.line["kind"]),
        amount=Decimal(amount),
        said=found.line,
        state=DisputeState.OPEN,
        opened_at=now,
        opened_by=by,
        changed_at=now,
        application=found.line.get("application"),
        x=found.line.get("x"),
    )


def _moved(handling: Handling, dispute: Dispute, by: str, now: datetime) -> Handling:
    withdrawn = dispute.state is DisputeState.WITHDRAWN
    return replace(
        handling,
        state=DIFFERENCE[dispute.state],
        dispute=None if withdrawn else dispute.id,
        by=by,
        changed_at=now,
        version=handling.version + 1,
    )
