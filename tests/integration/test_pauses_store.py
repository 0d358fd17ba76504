"""Pauses shared through the table (auth.md §5, result-codes.md §2, C-035)."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from botocore.exceptions import EndpointConnectionError

from builders.dynamodb import Table
from privatenumber.store.items import decode, encode
from privatenumber.store.pauses import MAX_AGE_S, DynamoPauses

START = datetime(2026, 9, 2, 1, tzinfo=UTC)
LONG, SHORT = START + timedelta(minutes=30), START + timedelta(minutes=1)
KEY = encode({"pk": "PAUSE#*", "sk": "PAUSE"})


class Environment:
    """One environment with a clock of its own."""

    def __init__(self, table: Table) -> None:
        self.seconds = 0.0
        self.pauses = DynamoPauses(
            table.client,
            table.name,
            clock=lambda: START + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
        )


@pytest.fixture
def one(table: Table) -> Environment:
    return Environment(table)


@pytest.fixture
def other(table: Table) -> Environment:
    return Environment(table)


def test_a_pause_reaches_every_environment(one: Environment, other: Environment) -> None:
    """1020176 silences the egress address, not a process."""
    one.pauses.pause("*", LONG, "locked")
    assert one.pauses.paused_until("*", "ride") == LONG
    assert other.pauses.paused_until("*", "ride") == LONG
    assert other.pauses.paused_until("ride") is None


def test_a_pause_ends_by_itself(one: Environment) -> None:
    one.pauses.pause("ride", SHORT, "flow")
    one.seconds = 60
    assert one.pauses.paused_until("ride") is None


def test_a_shorter_pause_never_overwrites_a_longer_one(one: Environment, other: Environment) -> None:
    one.pauses.pause("ride", LONG, "auth")
    other.pauses.pause("ride", SHORT, "flow")
    assert other.pauses.paused_until("ride") == LONG
    other.seconds = MAX_AGE_S
    assert other.pauses.paused_until("ride") == LONG


def test_a_longer_pause_replaces_a_shorter_one(one: Environment, other: Environment) -> None:
    one.pauses.pause("ride", SHORT, "flow")
    other.pauses.pause("ride", LONG, "auth")
    one.seconds = MAX_AGE_S
    assert one.pauses.paused_until("ride") == LONG


def test_what_was_read_is_trusted_for_five_seconds(one: Environment, other: Environment) -> None:
    assert one.pauses.paused_until("ride") is None
    other.pauses.pause("ride", LONG, "auth")
    one.seconds = MAX_AGE_S - 1
    assert one.pauses.paused_until("ride") is None
    one.seconds = MAX_AGE_S
    assert one.pauses.paused_until("ride") == LONG


def test_an_operator_lifts_a_pause_by_removing_its_item(one: Environment, table: Table) -> None:
    """auth.md §9: the administrator may release the address early."""
    one.pauses.pause("*", LONG, "locked")
    table.client.delete_item(TableName=table.name, Key=KEY)
    one.seconds = MAX_AGE_S
    assert one.pauses.paused_until("*") is None


def test_a_pause_is_forgotten_a_day_after_its_end(one: Environment, table: Table) -> None:
    one.pauses.pause("*", LONG, "locked")
    item = decode(table.client.get_item(TableName=table.name, Key=KEY)["Item"])
    assert item["expires_at"] == int(LONG.timestamp()) + 86_400


def test_a_pause_that_cannot_be_shared_still_holds_at_home(one: Environment, table: Table) -> None:
    fault = EndpointConnectionError(endpoint_url="table")
    with patch.object(table.client, "put_item", side_effect=fault):
        one.pauses.pause("*", LONG, "locked")
    assert one.pauses.paused_until("*") == LONG


def test_when_the_table_does_not_answer_what_is_known_counts(one: Environment, table: Table) -> None:
    one.pauses.pause("*", LONG, "locked")
    one.seconds = MAX_AGE_S
    with patch.object(
        table.client, "batch_get_item", side_effect=EndpointConnectionError(endpoint_url="table")
    ):
        assert one.pauses.paused_until("*", "ride") == LONG
