"""Into how many SMS a text is split, and which are billed: billing-rules.md §4.1; C-060, C-061, C-158."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.billing import EXAMPLE_PRICES, VIRTUAL
from builders.keyrings import KEYRING
from builders.pushes import B, X, sms_body, wire
from privatenumber.billing.rating.calls import Flag
from privatenumber.billing.rating.sms import rate_sms
from privatenumber.billing.tariff.reading import price_book_of
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.platform.pushes import parse_push
from privatenumber.settings import Mode
from privatenumber.sms_parts import Limits, SmsLimits, TextSize, parts, size_of
from privatenumber.store.sms_rows import SmsFact, read_sms
from privatenumber.times import from_iso

RECEIVED = from_iso("2026-09-02T02:00:01.000Z")
ENGLISH, OTHER = True, False

SPLIT = [
    ("S01", "", ENGLISH, 0, 1),
    ("S02", "中", OTHER, 1, 1),
    ("S03", "中" * 70, OTHER, 70, 1),
    ("S04", "中" * 71, OTHER, 71, 2),
    ("S05", "中" * 134, OTHER, 134, 2),
    ("S06", "中" * 135, OTHER, 135, 3),
    ("S07", "中" * 201, OTHER, 201, 3),
    ("S08", "中" * 202, OTHER, 202, 4),
    ("S09", "中" * 500, OTHER, 500, 8),
    ("S10", "a" * 160, ENGLISH, 160, 1),
    ("S11", "a" * 161, ENGLISH, 161, 2),
    ("S12", "a" * 306, ENGLISH, 306, 2),
    ("S13", "a" * 307, ENGLISH, 307, 2),
    ("S14", "a" * 308, ENGLISH, 308, 2),
    ("S15", "a" * 309, ENGLISH, 309, 3),
    ("S16", "a" * 459, ENGLISH, 459, 3),
    ("S17", "a" * 462, ENGLISH, 462, 3),
    ("S18", "a" * 463, ENGLISH, 463, 4),
    ("S19", "a" * 1000, ENGLISH, 1000, 7),
    ("S20", "a" * 69 + "中", OTHER, 70, 1),
    ("S21", "a" * 70 + "中", OTHER, 71, 2),
    ("S22", "a" * 159 + "中", OTHER, 160, 3),
    ("S23", "a" * 71 + "，", OTHER, 72, 2),
    ("S24", "a" * 100 + "é", OTHER, 101, 2),
    ("S25", "[]{}~^|\\" * 20, ENGLISH, 160, 1),
    ("S26", "中" * 68 + "😀", OTHER, 70, 1),
    ("S27", "中" * 69 + "😀", OTHER, 71, 2),
    ("S28", "a" * 158 + "\n\n", ENGLISH, 160, 1),
]
FROM_A = [
    ("S31", "中" * 58, 70, 1, 58, 1),
    ("S32", "中" * 59, 71, 2, 59, 1),
    ("S33", "中" * 70, 82, 2, 70, 1),
    ("S34", "中" * 122, 134, 2, 122, 2),
    ("S35", "中" * 123, 135, 3, 123, 2),
    ("S36", "a" * 148, 160, 1, 148, 1),
    ("S37", "a" * 149, 161, 2, 149, 1),
    ("S38", "a" * 160, 172, 2, 160, 1),
]
TO_A = [
    ("S39", "中" * 53, 53, 1, 70, 1),
    ("S40", "中" * 54, 54, 1, 71, 2),
    ("S41", "中" * 70, 70, 1, 87, 2),
    ("S42", "中" * 117, 117, 2, 134, 2),
    ("S43", "中" * 118, 118, 2, 135, 3),
    ("S44", "a" * 143, 143, 1, 160, 1),
    ("S45", "a" * 144, 144, 1, 161, 2),
    ("S46", "a" * 160, 160, 1, 177, 2),
]


def case_of(value: object) -> str:
    """The number of a case names it; its texts are too long."""
    return value if isinstance(value, str) and value.startswith("S") else ""


@pytest.mark.parametrize(("case", "text", "english", "length", "count"), SPLIT, ids=case_of)
def test_a_text_is_split_as_documented(case: str, text: str, english: bool, length: int, count: int) -> None:
    assert size_of(text) == TextSize(length, english), case
    assert parts(text) == count, case


def notice(text: str, direction: str) -> SmsFact:
    """What is stored of an SMS in AX whose result comes without `splitNum`."""
    body = sms_body(smsContent=text, direction=direction, parts=None, calling=B)
    (entry,) = parse_push(wire(body)).entries
    fact = fact_of(entry, Reception("demo", RECEIVED, KEYRING, mode=Mode.AX))
    return read_sms({"pk": fact.pk, "sk": fact.sk, **fact.item})


@pytest.mark.parametrize(("case", "body", "at_x", "parts_at_x", "forwarded", "billed"), FROM_A, ids=case_of)
def test_what_a_sends_is_billed_without_the_number(
    case: str, body: str, at_x: int, parts_at_x: int, forwarded: int, billed: int
) -> None:
    """A to X: `@13800138002` is taken off; both countings are kept."""
    fact = notice(f"{body}@13800138002", direction="1")
    charge = rate_sms(fact, EXAMPLE_PRICES, {X: VIRTUAL})
    assert fact.size_received == TextSize(at_x, body.isascii()), case
    assert fact.size_forwarded == TextSize(forwarded, body.isascii()), case
    assert (charge.parts_received, charge.parts_forwarded, charge.parts) == (parts_at_x, billed, billed), case
    assert charge.flags == (Flag.PARTS_COMPUTED,)


@pytest.mark.parametrize(("case", "body", "at_x", "parts_at_x", "forwarded", "billed"), TO_A, ids=case_of)
def test_what_others_send_is_billed_with_the_number(
    case: str, body: str, at_x: int, parts_at_x: int, forwarded: int, billed: int
) -> None:
    """B to X: `[From13800138002]` is appended; both countings are kept."""
    fact = notice(body, direction="0")
    charge = rate_sms(fact, EXAMPLE_PRICES, {X: VIRTUAL})
    assert fact.size_received == TextSize(at_x, body.isascii()), case
    assert fact.size_forwarded == TextSize(forwarded, body.isascii()), case
    assert (charge.parts_received, charge.parts_forwarded, charge.parts) == (parts_at_x, billed, billed), case
    assert charge.flags == (Flag.PARTS_COMPUTED,)


def test_texts_are_counted_by_the_limits_of_the_list_in_force() -> None:
    """`backend.billing.sms.limits`: 153 instead of 154 makes 308 letters three parts."""
    book = price_book_of([{"valid_from": "2026-09-02", "sms_limits": {"english": {"part": 153}}}])
    long = notice("a" * 291, direction="0")  # 308 as forwarded
    assert rate_sms(long, EXAMPLE_PRICES, {X: VIRTUAL}).parts == 2
    assert rate_sms(long, book, {X: VIRTUAL}).parts == 3


@given(
    text=st.text(max_size=700),
    more=st.text(max_size=200),
    single=st.integers(2, 200),
    part=st.integers(1, 200),
)
def test_the_parts_fit_the_text(text: str, more: str, single: int, part: int) -> None:
    """Enough room for it, and one part less would not be; more text never makes fewer parts."""
    limits = SmsLimits(Limits(single, min(single, part)), Limits(single, min(single, part)))
    count, length = parts(text, limits), size_of(text).length
    assert length <= (single if count == 1 else count * min(single, part))
    assert count == 1 or length > max(single, (count - 1) * min(single, part))
    assert parts(text + more, limits) >= count


@given(text=st.text(max_size=700), more=st.text(max_size=200))
def test_more_text_never_makes_fewer_parts_by_the_documented_limits(text: str, more: str) -> None:
    """Not even when one character turns an English text into another one."""
    assert parts(text + more) >= parts(text)
