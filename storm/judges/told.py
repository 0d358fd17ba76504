"""Business systems are told what happened, in its order, whatever was down in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from privatenumber.bindings.model import Binding, State
from storm.judges.verdict import Verdict
from storm.platform import application_id
from storm.receiver import MODE, Told
from storm.tables import Key

_MUST: Final[Mapping[State, tuple[str, ...]]] = {
    State.ACTIVE: ("binding.requested", "binding.active"),
    State.CLOSED: ("binding.requested", "binding.releasing", "binding.released"),
    State.FAILED: ("binding.requested", "binding.failed"),
}
_ORDER: Final = ("binding.requested", "binding.active", "binding.releasing", "binding.released")


def judge_told(
    bindings: Sequence[Binding],
    rows: Mapping[Key, Mapping[str, Any]],
    taken: Sequence[Told],
    *,
    planned: bool,
) -> Verdict:
    """Each binding and each CDR of the application that asked was told of, and nothing of others.

    ``planned``: it has orders at all.
    """
    verdict = Verdict(
        "told", "the receiver was told of every binding and every CDR, in the order of each subject"
    )
    by_subject: dict[str, list[str]] = {}
    for one in taken:
        by_subject.setdefault(one.subject, []).append(one.type)
    for binding in bindings:
        told = by_subject.get(f"binding#{binding.id}", [])
        if binding.mode.value == MODE:
            verdict.judged += 1
            _judge_binding(verdict, binding, told)
        elif told:
            verdict.broken(f"{binding.id} of another application was told of", told, binding.created_at)
    ours = application_id(MODE)
    for (pk, _), row in rows.items():
        if row.get("kind") == "cdr" and row.get("application") == ours:
            verdict.judged += 1
            told = by_subject.get(f"call#{pk.rpartition('#')[2]}", [])
            if "call.recorded" not in told:
                verdict.broken(f"nobody was told of the CDR {row.get('icid')}", told)
    verdict.absent = "" if planned else "no order is of the application that asked"
    repeated = len(taken) - len({one.id for one in taken})
    verdict.figures = {"events": str(len(taken)), "repeated": str(repeated)}
    return verdict


def _judge_binding(verdict: Verdict, binding: Binding, told: list[str]) -> None:
    for kind in _MUST.get(binding.state, ()):
        if kind not in told:
            verdict.broken(
                f"{binding.id} is {binding.state.value}, nobody was told {kind}", told, binding.updated_at
            )
    firsts = [told.index(kind) for kind in _ORDER if kind in told]
    if firsts != sorted(firsts):
        verdict.broken(f"{binding.id} was told in another order than it happened", told, binding.created_at)
