"""Where the platform's console was used behind our back, drift repair found out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from privatenumber.bindings.model import Binding, Reason, State
from storm.judges.verdict import Verdict

Difference = Mapping[str, Any]
Ended = Mapping[str, tuple[datetime, str]]


def judge_drift(
    bindings: Iterable[Binding],
    lost: Iterable[str],
    foreign: Iterable[str],
    ended: Ended,
    found: Sequence[Difference],
    left: Sequence[Difference],
    stranded: Collection[str] = (),
) -> Verdict:
    """What the platform lost has ended here, what nobody ordered was told of and ended there.

    ``stranded`` are the numbers on which an AXYB lives whose answer was lost: nobody learns its id, so nobody
    can end it. A last run may name it, once.
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
    told = {one["subscription_id"] for one in found if one["kind"] == "platform_only"}
    for subscription_id in foreign:
        verdict.judged += 1
        if subscription_id not in told:
            verdict.broken(f"nobody was told of {subscription_id}, which was made at the platform's console")
        elif subscription_id not in ended:
            verdict.broken(f"{subscription_id} was found and lives on at the platform")
    nameless = set(stranded)
    for difference in left:
        x = difference["x"]
        if (difference["kind"], difference["subscription_id"]) == ("platform_only", None) and x in nameless:
            nameless.remove(x)
            continue
        verdict.broken(f"a last run finds {difference['kind']} on {x}: {difference['state']}")
    verdict.judged += 1
    kinds = Counter(f"found {one['kind']}" for one in found)
    verdict.figures = {name: str(count) for name, count in sorted((kinds + reasons).items())}
    return verdict
