"""The deployment's keys, wrapped by KMS and kept in one item of the Bindings table (design.md §6).

Whoever comes first makes them; of several at once one wins and the others take the winner's. Losing the table
alone tells nobody a number, since only KMS opens the keys, and only for the purpose they were made for.
"""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.privacy import Keyring, SealBroken, open_sealed
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.items import decode, encode
from privatenumber.times import Clock, iso, utc_now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

KEY: Final = {"pk": "KEYRING", "sk": "KEYRING"}
MAX_AGE_S: Final = 3600.0
RETRY_S: Final = 60.0
_LOG: Final = logging.getLogger("privatenumber.store")
_Answer = TypeVar("_Answer")
_TOKEN: Final = "token"  # noqa: S105 - the name of a key, not a key


class KeyringStore:
    """Loads the keyring once per environment and again after an hour, so that an added data key arrives.

    Parameters: ``key_id`` is the KMS key that wraps; ``monotonic`` is a clock in seconds.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        kms: "KMSClient",
        key_id: str,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._table = table
        self._kms = kms
        self._key_id = key_id
        self._clock = clock
        self._monotonic = monotonic
        self._loaded: tuple[float, Keyring] | None = None
        self._gone: set[str] = set()

    def load(self, *, refresh: bool = False) -> Keyring:
        """The keyring, made on first use. ``refresh`` reads it anew: a value names a key that is not on it.

        Raises botocore's errors when table or KMS do not answer, unless only the hourly reading fails: then
        the keys at hand serve on.
        """
        now = self._monotonic()
        if self._loaded is None or refresh:
            self._loaded = (now, self._fetch())
        elif now - self._loaded[0] >= MAX_AGE_S:
            try:
                self._loaded = (now, self._fetch())
            except (BotoCoreError, ClientError) as error:
                _LOG.error("keyring not refreshed", extra={"cause": type(error).__name__})
                self._loaded = (now - MAX_AGE_S + RETRY_S, self._loaded[1])
        return self._loaded[1]

    def opening(self, action: Callable[[], _Answer]) -> _Answer:
        """Do what opens sealed values with `load`; once more with fresh keys when one of them is missing.

        Another environment seals under a data key that was added since this one read the keyring. Raises
        SealBroken when the key is on no keyring: for this key the table is not asked again.
        """
        try:
            return action()
        except SealBroken as broken:
            key_id = broken.key_id
            known = self._loaded[1].data_keys if self._loaded else {}
            if key_id is None or key_id in known or key_id in self._gone:
                raise
            if key_id not in self.load(refresh=True).data_keys:
                self._gone.add(key_id)
                raise
        return action()

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Open one sealed value, with fresh keys when need be. Raises SealBroken."""
        return self.opening(lambda: open_sealed(self.load(), sealed, context=context))

    def _fetch(self) -> Keyring:
        return self._open(self._read() or self._create(self._clock()))

    def _read(self) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=encode(KEY), ConsistentRead=True)
        return decode(answer["Item"]) if "Item" in answer else None

    def _create(self, now: datetime) -> dict[str, Any]:
        first = f"d{now:%Y%m%d}"
        item = {
            **KEY,
            "token_key": self._wrapped(_TOKEN),
            "data_keys": {first: self._wrapped(first)},
            "current": first,
            "created_at": iso(now),
        }
        try:
            self._client.put_item(
                TableName=self._table, Item=encode(item), ConditionExpression="attribute_not_exists(pk)"
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            winner = self._read()
            if winner is None:
                raise
            return winner
        return item

    def _wrapped(self, name: str) -> bytes:
        answer = self._kms.generate_data_key(
            KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=_purpose(name)
        )
        return answer["CiphertextBlob"]

    def _open(self, item: Mapping[str, Any]) -> Keyring:
        data_keys = {name: self._unwrap(name, wrapped) for name, wrapped in item["data_keys"].items()}
        return Keyring(self._unwrap(_TOKEN, item["token_key"]), data_keys, item["current"])

    def _unwrap(self, name: str, wrapped: bytes) -> bytes:
        answer = self._kms.decrypt(
            KeyId=self._key_id, CiphertextBlob=wrapped, EncryptionContext=_purpose(name)
        )
        return answer["Plaintext"]


def _purpose(name: str) -> dict[str, str]:
    """The encryption context: it names no table, so a table restored under another name still opens."""
    return {"purpose": "privatenumber-keyring", "key": name}


def deployed_keyring(settings: Settings, *, clock: Clock = utc_now) -> KeyringStore:
    """The keys of the deployment whose settings these are."""
    return KeyringStore(
        clients.dynamodb(), settings.bindings_table, clients.kms(), settings.key_id, clock=clock
    )
