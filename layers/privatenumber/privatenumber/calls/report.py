"""What became of a request: what to answer, to count and to log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from privatenumber.calls.answers import Answer
from privatenumber.calls.desk import Bundle
from privatenumber.platform.pushes import PushKind
from privatenumber.store.fact_rows import NewFact
from privatenumber.store.facts import Written
from privatenumber.times import from_iso


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a request: the answer's status, and what to count and log. Holds no number, no session.

    ``reason`` says why nothing was processed. ``notes`` are oddities: ``wrong_route``, ``nonce_reused``,
    ``unverified``, ``unannounced``, ``gb18030``, ``long_list``, ``unknown_event_type``, ``foreign_app_key``,
    ``question_differs``, ``limits_unread``, ``rule_<name of the rule that refused>``.
    ``delays_s`` is by kind of fact how long after what it tells of each new one came.
    Of a question: ``answer`` is what to answer (with numbers), ``decided`` why, ``undecided`` what failed.
    """

    status: int
    application: str | None = None
    kind: str | None = None
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    unparsable: int = 0
    reason: str | None = None
    notes: tuple[str, ...] = ()
    answer: Answer | None = field(default=None, repr=False)
    decided: str | None = None
    undecided: str | None = None
    delays_s: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether the door stayed shut."""
        return self.status in {401, 404, 405, 413}


def report_of(application: str, kind: PushKind, written: Written, bundle: Bundle) -> Report:
    """The report of a push that is stored."""
    return Report(
        200,
        application,
        kind.value,
        stored=len(written.stored),
        duplicates=len(written.duplicates),
        conflicts=len(written.conflicts),
        unparsable=len(bundle.quarantined),
        notes=tuple(sorted(set(bundle.notes))),
        delays_s=_delays_s(written.stored),
    )


def _delays_s(facts: Sequence[NewFact]) -> Mapping[str, Sequence[float]]:
    """Of facts that say when it happened: of a CDR the end of its call."""
    delays: dict[str, list[float]] = {}
    for fact in facts:
        at = fact.item.get("ended_at" if fact.kind == "cdr" else "at")
        if at is not None:
            delay = (from_iso(fact.item["received_at"]) - from_iso(at)).total_seconds()
            delays.setdefault(fact.kind, []).append(max(0.0, delay))
    return delays
