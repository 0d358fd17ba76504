"""Pauses shared through the table (auth.md §5, result-codes.md §2, C-035)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from unittest.mock import patch

import pytest
from botocore.exceptions import EndpointConnectionError

from builders.dynamodb import Table
from privatenumber.platform.pausing import Doubt
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


def in_doubt(one: Environment, *others: Environment) -> Doubt:
    """A lock-out that is over, by everybody's clock."""
    one.pauses.pause("*", SHORT, "locked", prove=True)
    for environment in (one, *others):
        environment.seconds = 61
    doubt = one.pauses.doubt("*", "ride")
    assert doubt == Doubt("*", "locked")
    return doubt


def later(environment: Environment, seconds: float) -> datetime:
    return START + timedelta(seconds=environment.seconds + seconds)


def test_a_pause_that_runs_is_no_doubt_and_one_that_needs_no_proof_never_is(one: Environment) -> None:
    one.pauses.pause("*", SHORT, "locked", prove=True)
    one.pauses.pause("ride", SHORT, "flow")
    assert one.pauses.doubt("*", "ride") is None
    one.seconds = 61
    assert one.pauses.doubt("ride") is None


def test_of_all_environments_one_finds_out(one: Environment, other: Environment) -> None:
    """result-codes.md §2: one probe request."""
    doubt = in_doubt(one, other)
    assert other.pauses.doubt("*") == doubt
    assert other.pauses.claim(doubt, later(other, 30))
    assert not one.pauses.claim(doubt, later(one, 30))
    assert not other.pauses.claim(doubt, later(other, 30))


def test_a_prober_that_died_is_followed_by_another(one: Environment, other: Environment) -> None:
    doubt = in_doubt(one, other)
    assert one.pauses.claim(doubt, later(one, 30))
    other.seconds += 30
    assert other.pauses.claim(doubt, later(other, 30))


def test_what_one_has_proven_the_others_believe(one: Environment, other: Environment) -> None:
    """At the latest when they try to find out for themselves."""
    doubt = in_doubt(one, other)
    assert other.pauses.doubt("*") == doubt
    assert one.pauses.claim(doubt, later(one, 30))
    one.pauses.resolve(doubt)
    assert one.pauses.doubt("*") is None
    assert not other.pauses.claim(doubt, later(other, 30))
    assert other.pauses.doubt("*") is None


def test_a_lock_that_began_anew_is_not_lifted_by_an_older_proof(one: Environment, other: Environment) -> None:
    doubt = in_doubt(one, other)
    assert one.pauses.claim(doubt, later(one, 30))
    other.pauses.pause("*", LONG, "locked", prove=True)
    one.pauses.resolve(doubt)
    assert one.pauses.paused_until("*") == LONG
    one.seconds = 1801
    assert one.pauses.doubt("*") == doubt


def test_without_the_table_everybody_finds_out_for_himself(one: Environment, table: Table) -> None:
    doubt = in_doubt(one)
    fault = EndpointConnectionError(endpoint_url="table")
    with patch.object(table.client, "update_item", side_effect=fault):
        assert one.pauses.claim(doubt, later(one, 30))
        one.pauses.resolve(doubt)
    assert one.pauses.doubt("*") is None


@pytest.mark.dynamodb_local
def test_among_many_at_once_one_finds_out(local_table: Table) -> None:
    """Every environment sees the end of a lock-out at the same moment."""
    environments = [Environment(local_table) for _ in range(16)]
    doubt = in_doubt(*environments)
    barrier = Barrier(len(environments))

    def claim(environment: Environment) -> bool:
        barrier.wait()
        return environment.pauses.claim(doubt, later(environment, 30))

    with ThreadPoolExecutor(len(environments)) as pool:
        assert sum(pool.map(claim, environments)) == 1
