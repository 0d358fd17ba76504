"""The keyring in its table: made once, agreed on, opened only through KMS (design.md §6)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Barrier
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock, patch

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from builders.dynamodb import Table
from builders.keyrings import KEYRING, add_data_key
from privatenumber.privacy import SealBroken, open_sealed, seal, token
from privatenumber.store.items import decode, encode
from privatenumber.store.keyring import KEY, MAX_AGE_S, RETRY_S, KeyringStore

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


@dataclass
class Time:
    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Deployment:
    """One table and one KMS key, seen by as many environments as a test wants."""

    table: Table
    kms: "KMSClient"
    key_id: str
    time: Time = field(default_factory=Time)

    def environment(self) -> KeyringStore:
        return KeyringStore(
            self.table.client,
            self.table.name,
            self.kms,
            self.key_id,
            clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
            monotonic=self.time.monotonic,
        )

    def item(self) -> dict[str, Any]:
        stored = self.table.client.get_item(TableName=self.table.name, Key=encode(KEY))
        return decode(stored["Item"])


@pytest.fixture
def deployment(table: Table) -> Iterator[Deployment]:
    with mock_aws():
        kms = boto3.client("kms", "cn-north-1", aws_access_key_id="x", aws_secret_access_key="x")
        yield Deployment(table, kms, kms.create_key()["KeyMetadata"]["KeyId"])


def test_every_environment_gets_the_same_keys(deployment: Deployment) -> None:
    first, second = deployment.environment().load(), deployment.environment().load()
    assert token(first, "n") == token(second, "n")
    assert open_sealed(second, seal(first, b"v", context="c"), context="c") == b"v"


def test_the_table_holds_no_key_in_clear(deployment: Deployment) -> None:
    """design.md §6: losing the table alone tells nobody a number."""
    ring = deployment.environment().load()
    stored = str(deployment.item())
    assert all(str(key)[2:-1] not in stored for key in (ring.token_key, *ring.data_keys.values()))


def test_environments_that_start_at_once_agree(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All find no keyring before any of them writes one; the losers take the winner's."""
    started = Barrier(4)
    read = KeyringStore._read

    def read_together(store: KeyringStore) -> dict[str, Any] | None:
        found = read(store)
        if found is None:
            started.wait(timeout=10)
        return found

    monkeypatch.setattr(KeyringStore, "_read", read_together)
    environments = [deployment.environment() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        rings = list(pool.map(KeyringStore.load, environments))
    assert len({token(ring, "n") for ring in rings}) == 1


def test_the_keyring_is_read_once_an_hour(deployment: Deployment) -> None:
    store = deployment.environment()
    ring = store.load()
    deployment.time.seconds = MAX_AGE_S - 1
    assert store.load() is ring
    deployment.time.seconds = MAX_AGE_S
    assert store.load() is not ring


def test_a_failed_hourly_reading_leaves_the_keys_at_hand(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    store = deployment.environment()
    ring = store.load()
    deployment.time.seconds = MAX_AGE_S
    with patch.object(deployment.kms, "decrypt", side_effect=EndpointConnectionError(endpoint_url="kms")):
        assert store.load() is ring
        with pytest.raises(EndpointConnectionError):
            store.load(refresh=True)
    assert "keyring not refreshed" in caplog.messages
    deployment.time.seconds += RETRY_S
    assert store.load() is not ring


def test_a_data_key_added_later_arrives_on_request(deployment: Deployment) -> None:
    """Rotation adds a key: what is sealed under it opens, older values too, tokens stay."""
    store = deployment.environment()
    before = store.load()
    older = seal(before, b"older", context="c")
    add_data_key(store, "d20260401")
    after = store.load(refresh=True)
    assert after.current == "d20260401"
    assert open_sealed(after, older, context="c") == b"older"
    assert token(after, "n") == token(before, "n")


def test_a_value_under_a_key_added_since_is_opened_at_once(deployment: Deployment) -> None:
    """Sealed by another environment, which read the keyring later."""
    store = deployment.environment()
    store.load()
    newer = add_data_key(store)
    assert store.unseal(seal(newer, b"v", context="c"), "c") == b"v"


def test_a_value_under_a_lost_key_costs_one_reading(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = deployment.environment()
    lost = seal(KEYRING, b"v", context="c")
    store.load()
    read = MagicMock(side_effect=store._read)
    monkeypatch.setattr(store, "_read", read)
    for _ in range(3):
        with pytest.raises(SealBroken):
            store.unseal(lost, "c")
    assert read.call_count == 1


def test_an_altered_value_costs_no_reading(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    store = deployment.environment()
    sealed = seal(store.load(), b"v", context="c")
    monkeypatch.setattr(store, "_read", MagicMock(side_effect=AssertionError("read")))
    with pytest.raises(SealBroken):
        store.unseal(sealed, "another place")


def test_a_wrapped_key_opens_only_for_its_purpose(deployment: Deployment) -> None:
    """The encryption context: the token key cannot be passed off as a data key."""
    deployment.environment().load()
    item = deployment.item()
    item["data_keys"] = {item["current"]: item["token_key"]}
    deployment.table.client.put_item(TableName=deployment.table.name, Item=encode(item))
    with pytest.raises(ClientError):
        deployment.environment().load()
