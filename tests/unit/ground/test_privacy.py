"""Tokens, seals and masks (design.md §6, numbers.md §6, U-D15)."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.privacy import Keyring, SealBroken, mask, open_sealed, scrub, seal, token

RING = Keyring(token_key=b"t" * 32, data_keys={"d1": b"1" * 32, "d2": b"2" * 32}, current="d2")
A = "+8613800138001"


def test_a_token_is_stable_short_and_keyed() -> None:
    assert token(RING, A) == token(RING, A)
    assert re.fullmatch(r"[a-z2-7]{26}", token(RING, A))
    assert token(RING, A) != token(replace(RING, token_key=b"u" * 32), A)
    assert token(RING, A) != token(RING, A, purpose="session")


def test_a_token_survives_a_new_data_key() -> None:
    """Tokens are table keys: rotation of data keys must not move them."""
    assert token(RING, A) == token(replace(RING, data_keys={"d3": b"3" * 32}, current="d3"), A)


@given(st.binary(max_size=300), st.text(max_size=30))
def test_a_sealed_value_opens_in_its_own_context_only(value: bytes, context: str) -> None:
    sealed = seal(RING, value, context=context)
    assert open_sealed(RING, sealed, context=context) == value
    with pytest.raises(SealBroken):
        open_sealed(RING, sealed, context=context + "x")


def test_sealing_twice_gives_different_bytes() -> None:
    assert seal(RING, b"v", context="c") != seal(RING, b"v", context="c")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_altered_byte_breaks_the_seal(position: int, change: int) -> None:
    """Version, key id and nonce are authenticated as well as the value."""
    sealed = bytearray(seal(RING, b"value", context="c"))
    sealed[position % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        open_sealed(RING, bytes(sealed), context="c")


@given(st.integers(min_value=0, max_value=36))
def test_a_shortened_value_breaks_the_seal(length: int) -> None:
    sealed = seal(RING, b"value", context="c")
    with pytest.raises(SealBroken):
        open_sealed(RING, sealed[: min(length, len(sealed) - 1)], context="c")


def test_values_of_an_older_key_still_open() -> None:
    older = seal(replace(RING, current="d1"), b"v", context="c")
    assert open_sealed(RING, older, context="c") == b"v"


def test_a_missing_key_is_named_so_that_a_fresh_keyring_can_be_fetched() -> None:
    newer = seal(Keyring(b"t" * 32, {"d3": b"3" * 32}, "d3"), b"v", context="c")
    with pytest.raises(SealBroken) as broken:
        open_sealed(RING, newer, context="c")
    assert broken.value.key_id == "d3"


def test_a_keyring_does_not_show_its_keys() -> None:
    assert repr(RING) == "Keyring(current='d2', data_keys=['d1', 'd2'])"


TABLE = [
    ("+8613800138001", "+86138****8001"),
    ("13800138001", "138****8001"),
    ("8613800138001", "86138****8001"),
    ("%2B8613800138001", "%2B86138****8001"),
    ("+8617010000001", "+86170****0001"),
    ("+8675520000001", "+8675520****01"),
    ("+865562000001", "+8655620***01"),
    ("+861020000001", "+861020****01"),
    ("+864001380013", "+86400****013"),
    ("+8695500", "+8695500"),
    ("1234567890123456", "12************56"),
    ("+86138****8001", "+86138****8001"),
    ("", ""),
    ("+86_13800138001_4_", "+86_138****8001_4_"),
    (
        "+8613800138001_+8617010000001_4_20260902010000",
        "+86138****8001_+86170****0001_4_20**********00",
    ),
    ("075520000001", "07********01"),
    ("123456", "123456"),
]


@pytest.mark.parametrize(("text", "masked"), TABLE)
def test_masking_follows_the_table_row_by_row(text: str, masked: str) -> None:
    """numbers.md §6, first table, and sessionIds of the observed form."""
    assert mask(text) == masked


NOISY = st.text(alphabet="0123456789+86*_%2B-aX ", max_size=60)


@given(NOISY)
def test_masking_is_idempotent(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(NOISY)
def test_scrubbing_is_idempotent(text: str) -> None:
    assert scrub(scrub(text)) == scrub(text)


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.sampled_from(["+86", "86", "%2B86", "%2b86", "", "0", "00", "0086"]),
)
def test_no_mobile_survives_scrubbing_in_any_writing(number: str, prefix: str) -> None:
    """U-D15."""
    line = f'{{"message":"bound {prefix}{number}","url":"/x?callerNum={prefix}{number}&n=1"}}'
    assert number not in scrub(line)


@pytest.mark.parametrize("landline", ["+8675520000001", "%2B865562000001", "+861020000001"])
def test_global_landlines_are_scrubbed(landline: str) -> None:
    assert landline not in scrub(f"callee {landline}.")


@pytest.mark.parametrize(
    "text",
    [
        "took 1738 ms",
        "id 3f2b8c10-6a4d-4e57-9b21-000000000002",
        "2026-03-01T08:00:00.000Z",
        "1772352000000",
        "0755",
    ],
)
def test_ids_times_and_amounts_survive_scrubbing(text: str) -> None:
    assert scrub(text) == text
