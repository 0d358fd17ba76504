"""A keyring for tests: real algorithms, worthless keys."""

from privatenumber.privacy import Keyring

KEYRING = Keyring(token_key=b"t" * 32, data_keys={"k1": b"d" * 32}, current="k1")
