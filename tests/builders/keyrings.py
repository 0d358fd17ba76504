"""A keyring for tests: real algorithms, worthless keys; and a data key added to a stored one."""

from privatenumber.privacy import Keyring
from privatenumber.store.items import encode
from privatenumber.store.keyring import KEY, KeyringStore

KEYRING = Keyring(token_key=b"t" * 32, data_keys={"k1": b"d" * 32}, current="k1")


def add_data_key(store: KeyringStore, name: str = "d20270101") -> Keyring:
    """Add a data key that seals from now on, as operations.md says; environments at work do not know it.

    Answers the new keyring.
    """
    item = {**(store._read() or {}), "current": name}
    item["data_keys"] = {**item["data_keys"], name: store._wrapped(name)}
    store._client.put_item(TableName=store._table, Item=encode({**item, **KEY}))
    return store._open(item)
