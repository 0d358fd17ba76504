"""Where the platform's console was used behind our back, drift repair found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from privatenumber.bindings.model import Binding, Reason, State
from storm.judges.verdict import Verdict
from storm.tables import Written

Difference = Mapping[str, Any]
Ended = Mapping[str, tuple[datetime, str]]

_LISTED: Final = "listed"
_DENIED: Final = frozenset({"suspected", "gone"})
"""What a run does not say, or has taken back."""


@dataclass(frozen=True)
class DriftWatch:
    """What drift runs have put down, and when."""

    now: Callable[[], datetime]
    then: list[tuple[datetime, Difference]] = field(default_factory=list)

    def hear(self, written: Written) -> None:
        """A row was written."""
        if written.new is not None and written.key[1].startswith("DIFFERENCE#"):
            self.then.append((self.now(), written.new))

    def listed(self) -> list[datetime]:
        """When a difference was put down for people to decide."""
        return [at for at, one in self.then if one["state"] == _LISTED]


@dataclass(frozen=True, slots=True)
class Told:
    """What drift runs have told: ``found`` operators read, ``left`` a last run; ``then`` all wrote down."""

    found: Sequence[Difference]
    left: Sequence[Difference]
    then: Sequence[tuple[datetime, Difference]]


def judge_drift(
    bindings: Iterable[Binding],
    lost: Iterable[str],
    foreign: Iterable[str],
    ended: Ended,
    told: Told,
    stranded: Mapping[str, bool],
) -> Verdict:
    """What the platform lost has ended here, what nobody ordered was told of and ended there, no more.

    ``stranded`` are the numbers on which an AXYB lived whose answer was lost, and whether it lives there:
    nobody learns its id, so nobody can end it. A last run may name those that live, once.
    """
    verdict = Verdict(
        "drift",
        "what the platform lost ended here, what nobody ordered was found and ended; then nothing differs",
    )
    known = {one.subscription_id: one for one in bindings if one.subscription_id}
    reasons: Counter[str] = Counter()
    for subscription_id in lost:
        verdict.judged += 1
        one = known.get(subscription_id)
        if one is None or one.state is not State.CLOSED:
            verdict.broken(f"{one.id if one else subscription_id} was lost at the platform, it is not closed")
        else:
            reasons["closed as lost" if one.reason is Reason.LOST else "had ended anyway"] += 1
    named = {one["subscription_id"] for one in told.found if one["kind"] == "platform_only"}
    for subscription_id in foreign:
        verdict.judged += 1
        if subscription_id not in named:
            verdict.broken(f"nobody was told of {subscription_id}, which was made at the platform's console")
        elif subscription_id not in ended:
            verdict.broken(f"{subscription_id} was found and lives on at the platform")
    for at, wrong in _invented(told.then, set(foreign), ended, stranded):
        verdict.broken(wrong, at=at)
    verdict.judged += len(told.then)
    nameless = {x for x, lives in stranded.items() if lives}
    for difference in told.left:
        x = difference["x"]
        if (difference["kind"], difference["subscription_id"]) == ("platform_only", None) and x in nameless:
            nameless.remove(x)
            continue
        verdict.broken(f"a last run finds {difference['kind']} on {x}: {difference['state']}")
    verdict.judged += 1
    kinds = Counter(f"found {one['kind']}" for one in told.found)
    verdict.figures = {name: str(count) for name, count in sorted((kinds + reasons).items())}
    return verdict


def _invented(
    then: Iterable[tuple[datetime, Difference]],
    foreign: Collection[str],
    ended: Ended,
    stranded: Collection[str],
) -> Iterator[tuple[datetime, str]]:
    """Differences that a run told of, and at that moment there was none."""
    for at, one in then:
        x, subscription_id = one["x"], str(one.get("subscription_id", ""))
        if one["state"] in _DENIED:
            continue
        real = {
            "ours_only": subscription_id in ended and ended[subscription_id][0] <= at,
            "platform_only": subscription_id in foreign or (not subscription_id and x in stranded),
        }
        if not real.get(one["kind"], False):
            yield at, f"a run tells of {one['kind']} on {x} ({one['state']}), and there was none"
