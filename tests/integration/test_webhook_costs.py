"""What telling costs, on Amazon's own engine; the figures of docs/data-model.md."""

from __future__ import annotations

import pytest

from builders.dynamodb import local_client, new_table
from builders.metering import Meter
from builders.webhooks import Scene, announcement

pytestmark = pytest.mark.dynamodb_local
NUMBERS = {"caller": "+8613800000001", "callee": "+8613900000002"}


@pytest.fixture
def scene(dynamodb_local: str) -> Scene:
    return Scene(new_table(local_client(dynamodb_local), "BillsTable"))


def cost(scene: Scene) -> tuple[float, float, float]:
    """Write units of an event that is announced and told at once, and units of a sweep without work."""
    scene.tell(announcement("call.ended", id="before", about="call#before", numbers=NUMBERS, at=scene.now))
    scene.step_all()
    meter = Meter(scene.table.client)
    scene.tell(announcement("call.ended", id="e1", numbers=NUMBERS, at=scene.now))
    announced = meter.writes
    scene.step_all()
    told = meter.writes - announced
    meter.reset()
    assert list(scene.lines.due(until=scene.now, limit=10)) == []
    return announced, told, meter.units


def test_an_event_costs_ten_write_units_and_waiting_for_none_two_reads(scene: Scene) -> None:
    scene.create()
    announced, told, idle = cost(scene)
    print(f"announced {announced}, told {told} write units; an idle sweep {idle} read units")
    assert (announced, told) == (3, 7)
    assert idle <= 2


def test_without_a_webhook_nothing_is_written(scene: Scene) -> None:
    assert cost(scene)[:2] == (0, 0)


def test_many_lines_that_wait_cost_a_sweep_nothing(scene: Scene) -> None:
    """Cost follows what is due, never what there is."""
    scene.create()
    for n in range(20):
        scene.tell(announcement("call.ended", id=f"e{n}", about=f"call#{n}", at=scene.now))
    scene.step_all()
    meter = Meter(scene.table.client)
    assert list(scene.lines.due(until=scene.now, limit=10)) == []
    assert meter.units <= 2
