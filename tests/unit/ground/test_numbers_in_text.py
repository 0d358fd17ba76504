"""What counts as a phone number in a text, and what does not (numbers.md §1.3, §6; design.md §6)."""

from __future__ import annotations

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.numbers_in_text import closed_up, holds_number, safe_actor, unescaped

BETWEEN = ["", *" -./_*:(+", ", ", " - ", '","', "\u200b", "\u2060", "\u00ad", "\uff0d"]
BEFORE = ["", "+86", "+86 ", "0086-", "86 ", "(+86) ", "0", "00", "0 0 ", "order 5, ", "ride", "电话", "tel:"]
AFTER = ["", ".", " x", "号", ", 2 times", "ext"]


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.lists(st.sampled_from(BETWEEN), min_size=10, max_size=10),
    st.sampled_from(BEFORE),
    st.sampled_from(AFTER),
)
def test_a_mobile_number_is_found_in_any_spelling(
    number: str, between: list[str], before: str, after: str
) -> None:
    spelled = number[0] + "".join(map("".join, zip(between, number[1:], strict=True)))
    assert holds_number(before + spelled + after)


@pytest.mark.parametrize(
    "text",
    [
        "138-0013-8001",
        "１３８００１３８００１",
        "①③⑧⓪⓪①③⑧⓪⓪①",
        "١٣٨٠٠١٣٨٠٠١",
        "%31%33800138001",
        "%2531%2533800138001",
        "https://hook.example.com/in?who=%2B86138%200013%208001",
        "0755-86543210",
        "075586543210",
        "(010)62000001",
        "+86 755 8654 3210",
        "+86 (0)755 8654 3210",
        "8675586543210",
        "400-100-1380",
        "400 1001 380",
        "800-1001-380",
        "+864001001380",
        "+8695500",
        "0086 95500",
        "+1 212 555 0100",
        "at 2026-09-13 14:15:30 138-0013-8001",
        "id 3f2b8c10-6a4d-4e57-9b21-000000000002 of 13800138001",
        "138**0013**8001",
        "138****0013****8001",
    ],
)
def test_other_numbers_and_writings_are_found(text: str) -> None:
    assert holds_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "order-1001",
        "20261126-000123",
        "20260902123456789012",
        "170901234567",
        "RX-2026-09-02/17",
        "1-3801-0013",
        "4500000001",
        "8000000123",
        "0080012345",
        "000123456789",
        "took 1738 ms",
        "1772352000000",
        "2026-09-02T09:00:00.123+08:00",
        "between 2026-09-02 09:00:00.123 and 2026-09-13 14:15:30.123",
        "0755",
        "paid 95500 yuan",
        "15.00 and 16.50",
        "demoAppKey0000000000000001",
        "3f2b8c10-6a4d-4e57-9b21-000000000002",
        "507f1f77bcf86cd799439011",
        "5f0c13800138001a5f0c13800138001a.1.2.3",
        "+86138****8001",
        "+8675520****01 and 07********01 and +86400****013",
        "",
    ],
)
def test_ids_times_and_amounts_are_no_numbers(text: str) -> None:
    assert not holds_number(text)


@given(st.uuids(), st.sampled_from(["", "order-", "ride/"]))
def test_a_random_id_is_no_number(value: uuid.UUID, before: str) -> None:
    assert not holds_number(f"{before}{value}")
    assert not holds_number(f"{before}{value.hex}")


@pytest.mark.parametrize(
    "text", ["1" + "+" * 50_000 + "2345678", "1+" * 50_000, "1-" * 50_000, "+1" * 50_000]
)
def test_a_long_text_takes_no_longer_than_its_length(text: str) -> None:
    """Its square would be a minute."""
    began = time.process_time()
    closed_up(text)
    holds_number(text)
    assert time.process_time() - began < 5


def test_letters_part_digits_and_nothing_else_does() -> None:
    assert closed_up('["139","６６６６", 0006] x 1a2') == '["13966660006] x 1a2'


def test_text_in_json_reads_as_it_is_meant() -> None:
    assert closed_up(unescaped(r"139\u200b\uff16666\t0006 \u00e9")) == "13966660006 é"


@pytest.mark.parametrize(
    ("arn", "kept"),
    [
        (None, "unknown"),
        ("arn:aws:iam::031234567890:user/ann", "arn:aws:iam::031234567890:user/ann"),
        ("arn:aws:sts::1:assumed-role/Desk/138-0013-8001", "arn:aws:sts::1:assumed-role/Desk/***"),
        ("arn:aws:sts::1:assumed-role/075586543210/ann", "***"),
    ],
)
def test_a_session_named_by_a_number_is_kept_without_it(arn: str | None, kept: str) -> None:
    """An account of twelve digits is no number."""
    assert safe_actor(arn) == kept
