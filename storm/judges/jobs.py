"""A bulk job does what it was asked, to each of its items once, and says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from privatenumber.bindings.model import Binding, State
from storm.bulk import Bulk
from storm.judges.verdict import Verdict


def judge_jobs(jobs: Iterable[Bulk], bindings: Sequence[Binding], planned: int) -> Verdict:
    """Hold what each job tells of its items against the bindings; ``planned``: how many jobs were to bind."""
    verdict = Verdict(
        "jobs", "each bulk job came to its end, did each item once, and tells what became of it"
    )
    of_order: dict[str, list[Binding]] = {}
    for one in bindings:
        of_order.setdefault(one.order, []).append(one)
    by_id = {one.id: one for one in bindings}
    states: Counter[str] = Counter()
    asked = 0
    for bulk in jobs:
        verdict.judged += 1
        asked += bulk.kind == "bind"
        lead = bulk.deals[0]
        if bulk.id is None:
            what = f"the job to {bulk.kind} {lead.order.id} was never taken"
            verdict.broken(what, [str(lead.gave_up)], lead.asked_at)
            continue
        if not bulk.finished or bulk.last.get("state") != "finished":
            what = f"{bulk.id} ({bulk.kind}) is {bulk.last.get('state')} {bulk.last.get('counts')}"
            verdict.broken(what, lead.trace, lead.asked_at)
            continue
        if [int(item["n"]) for item in bulk.items] != list(range(len(bulk.deals))):
            verdict.broken(f"{bulk.id} has other items than it was given", at=lead.asked_at)
            continue
        for item in bulk.items:
            verdict.judged += 1
            states[f"{bulk.kind} {item['state']}"] += 1
            order = bulk.deals[int(item["n"])].order.id
            made = [one for one in of_order.get(order, ()) if one.state is not State.FAILED]
            problem = _bound(item, made) if bulk.kind == "bind" else _released(item, by_id)
            if problem:
                verdict.broken(f"{bulk.id}: {order} {problem}", [str(item["problem"])], lead.asked_at)
    if asked < planned:
        verdict.broken(f"{planned} jobs were to bind, {asked} were asked for")
    verdict.figures = {name: str(count) for name, count in sorted(states.items())}
    verdict.absent = "" if planned else "no order is bound in bulk"
    return verdict


def _bound(item: Mapping[str, Any], made: Sequence[Binding]) -> str | None:
    if item["state"] == "done":
        same = [one.id for one in made] == [item["result"]["binding_id"]]
        return None if same else f"is done, and there are {len(made)} bindings of it"
    return f"is {item['state']}, and there are {len(made)} bindings of it" if made else None


def _released(item: Mapping[str, Any], by_id: Mapping[str, Binding]) -> str | None:
    if item["state"] != "done":
        return f"is {item['state']}"
    binding = by_id[item["result"]["binding_id"]]
    return None if binding.state is State.CLOSED else f"is released, and {binding.state.value}"
