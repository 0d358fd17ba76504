"""Pushes that the emulated platform loses, noticed by the watch: notifications.md §8.3, C-146."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from builders.dynamodb import Table, moto_client, new_table
from builders.emulated import A, B
from builders.keyrings import KEYRING
from builders.watching import Scene as Watched
from contract.test_pushes_from_emulator import Scene
from emulator.callrecord import Call
from privatenumber.privacy import token
from privatenumber.store.worklist import CaseKind, CaseState

pytestmark = pytest.mark.anyio


@pytest.fixture
def bills() -> Iterator[Table]:
    with moto_client() as client:
        yield new_table(client, "BillsTable")


async def _six_calls(scene: Scene) -> list[Call]:
    """A minute and more apart, so that each CDR is a push of its own."""
    scene.platform.bind()
    calls = []
    for number in range(6):
        calls.append(await scene.platform.call((A, B)[number % 2], talk_s=30 + number))
        await scene.platform.clock.advance(60)
    return calls


def _follow(scene: Scene) -> Watched:
    watched = Watched(scene.table)
    watched.chronicled.follow(watched.chronicled.stored())
    return watched


def _names(calls: list[Call]) -> set[str]:
    return {token(KEYRING, call.session_id, purpose="session") for call in calls}


async def test_the_cases_are_the_calls_whose_cdr_was_lost_and_no_others(bills: Table) -> None:
    """The emulator knows the truth: whose CDR never reached us."""
    scene = Scene(bills)
    scene.platform.fault("lose", times=2, match={"kind": "fee"})
    calls = await _six_calls(scene)
    await scene.platform.clock.advance(timedelta(minutes=20).total_seconds())
    watched = _follow(scene)
    assert watched.look(scene.platform.clock.now()) == {"CdrsLate": 2}
    told = {entry["sessionId"] for entry in scene.platform.receiver.cdrs()}
    lost = [call for call in calls if call.session_id not in told]
    assert {case.subject for case in watched.cases()} == _names(lost)


async def test_a_cdr_that_comes_hours_late_is_a_case_until_it_comes(bills: Table) -> None:
    """Warned of after fifteen minutes, long before the platform gives up."""
    scene = Scene(bills)
    scene.platform.bind()
    scene.platform.fault("delay", times=None, match={"kind": "fee"}, hold_s=7200)
    late = await scene.platform.call(A, talk_s=30)
    await scene.platform.clock.advance(timedelta(minutes=20).total_seconds())
    watched = _follow(scene)
    assert watched.look(scene.platform.clock.now()) == {"CdrsLate": 1}
    (case,) = watched.cases()
    assert {case.subject} == _names([late])
    await scene.settle()
    watched = _follow(scene)
    assert watched.look(scene.platform.clock.now()) == {"CasesResolved": 1}
    assert [found.kind for found in watched.cases(CaseState.RESOLVED)] == [CaseKind.CDR_MISSING]


async def test_a_call_whose_end_was_lost_is_settled_by_its_cdr(bills: Table) -> None:
    """§8.3: CDR without `disconnect`."""
    scene = Scene(bills)
    scene.platform.fault("lose", times=None, match={"event": "disconnect"})
    await _six_calls(scene)
    await scene.settle()
    watched = _follow(scene)
    assert watched.look(scene.platform.clock.now()) == {}
    assert watched.cases() == []
