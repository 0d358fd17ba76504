"""What a push costs, told by Amazon's own engine (ReturnConsumedCapacity): C-052, U-P14."""

from __future__ import annotations

import pytest

from builders.dynamodb import local_client
from builders.metering import Meter
from builders.push_costs import Cost, measure, within

pytestmark = pytest.mark.dynamodb_local


@pytest.fixture(scope="module")
def costs(dynamodb_local: str) -> dict[str, Cost]:
    client = local_client(dynamodb_local)
    return {cost.push: cost for cost in measure(client, Meter(client))}


def test_what_tells_one_thing_is_one_write_request_and_fifty_cdrs_are_at_most_two(
    costs: dict[str, Cost],
) -> None:
    """New, repeated, overlapping, unreadable in part, contradicting, under other sessions."""
    assert {name: cost.requests for name, cost in costs.items() if not within(cost)} == {}
    assert costs["50 CDRs"].requests == costs["50 CDRs again"].requests == 1


def test_an_event_takes_one_unit_and_what_stands_in_the_day_index_one_more(costs: dict[str, Cost]) -> None:
    """An SMS of a usual length included."""
    assert costs["event"].counted == 1
    assert costs["event, hang-up"].counted == 2
    assert costs["SMS"].counted == 2


def test_the_engine_counts_as_the_rules_do_where_it_counts(costs: dict[str, Cost]) -> None:
    """So the figures of transactions, which it does not count, can be believed."""
    told = {name: (cost.units, cost.counted) for name, cost in costs.items() if cost.counted is not None}
    assert len(told) >= 3
    assert {name for name, (units, counted) in told.items() if units != counted} == set()


def test_fifty_cdrs_cost_what_fifty_lone_ones_do(costs: dict[str, Cost]) -> None:
    """Each is two actions: the record, and where the record of its icid stands."""
    assert costs["50 CDRs"].units == 50 * costs["one CDR"].units
