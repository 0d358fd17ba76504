"""The judge of bulk jobs sees one that does not end, or tells something else than it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from builders.fake_bindings import binding_of
from privatenumber.bindings.model import Binding, State
from privatenumber.settings import Mode
from storm.bulk import Bulk
from storm.deals import Deal
from storm.judges.jobs import judge_jobs
from storm.judges.verdict import Verdict
from storm.orders import Order

ORDER = Order(6, "AXB", "a", "b", 0, 3600, ())
DONE = {"n": 0, "state": "done", "problem": None, "result": {"binding_id": "one"}}
FAILED = {"n": 0, "state": "failed", "problem": {"type": "pool-empty"}, "result": None}


def made(binding_id: str = "one", state: State = State.ACTIVE) -> Binding:
    return binding_of(Mode.AXB, id=binding_id, order=ORDER.id, state=state)


def judged(
    kind: str, item: dict[str, Any], bindings: Sequence[Binding], *, state: str = "finished"
) -> Verdict:
    jobs = [Bulk(kind, [Deal(ORDER)], "job", {"state": state}, [item])]
    return judge_jobs(jobs, bindings, int(kind == "bind"))


def test_a_job_that_did_what_it_tells_is_in_order() -> None:
    assert judged("bind", DONE, [made(), made("two", State.FAILED)]).holds
    assert judged("bind", FAILED, []).holds
    assert judged("release", DONE, [made(state=State.CLOSED)]).holds


def test_an_order_that_was_bound_twice_or_not_as_told_is_a_breach() -> None:
    assert not judged("bind", DONE, [made(), made("two")]).holds
    assert not judged("bind", DONE, []).holds
    assert not judged("bind", FAILED, [made()]).holds


def test_what_is_told_released_and_lives_is_a_breach() -> None:
    assert not judged("release", DONE, [made()]).holds
    assert not judged("release", FAILED, [made()]).holds


def test_a_job_that_does_not_end_is_a_breach() -> None:
    assert not judged("bind", DONE, [made()], state="running").holds
    assert not judge_jobs([Bulk("bind", [Deal(ORDER)], "job")], [made()], 1).holds


def test_a_job_that_was_never_taken_is_a_breach() -> None:
    assert judge_jobs([Bulk("bind", [Deal(ORDER)])], [], 1).state == "BROKEN"


def test_a_job_that_the_plan_has_and_nobody_asked_for_is_a_breach() -> None:
    assert judge_jobs([], [], 1).state == "BROKEN"


def test_no_job_is_no_failure_when_the_plan_has_none() -> None:
    assert judge_jobs([], [], 0).state == "not judged"
