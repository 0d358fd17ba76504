"""Python values as DynamoDB stores them: exact numbers, plain bytes, sparse attributes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.store.items import decode, encode

DECIMALS = st.decimals(min_value=-(10**12), max_value=10**12, places=4, allow_nan=False)
SCALARS = st.text() | st.binary() | st.booleans() | DECIMALS | st.integers(-(10**15), 10**15)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_what_is_encoded_decodes_to_the_same(item: dict[str, Any]) -> None:
    assert decode(encode(item)) == item


def test_none_is_left_out_so_that_indexes_stay_sparse() -> None:
    assert encode({"pk": "a", "due_key": None}) == {"pk": {"S": "a"}}


def test_numbers_come_back_as_decimal_and_binary_as_bytes_at_any_depth() -> None:
    stored = decode(encode({"fen": Decimal("0.10"), "parts": [{"sealed": b"\0"}], "set": {b"a"}}))
    assert stored == {"fen": Decimal("0.1"), "parts": [{"sealed": b"\0"}], "set": {b"a"}}
    assert type(stored["fen"]) is Decimal
    assert type(stored["parts"][0]["sealed"]) is bytes


def test_a_float_is_refused() -> None:
    """design.md §7: no float ever touches money."""
    with pytest.raises(TypeError):
        encode({"amount": 0.1})
