"""The watch over people's numbers finds one wherever it stands, whatever stands beside it."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from storm.cloud import Queue, Queues
from storm.judges.privacy import PrivacyWatch, readable
from storm.orders import person
from storm.platform import x_numbers

DIGITS = person(7).removeprefix("+86")


def told(text: str) -> bool:
    watch = PrivacyWatch()
    watch.hear("a test", text)
    return not watch.verdict.holds


@pytest.mark.parametrize("before", ["", "17", "1", "139", "+86", "0086", "%2B86", "17001000001"])
@pytest.mark.parametrize("behind", ["", "0", "13", " x"])
def test_digits_beside_a_number_do_not_hide_it(before: str, behind: str) -> None:
    assert told(f"{before}{DIGITS}{behind}")


def test_x_masked_numbers_and_times_are_nobody() -> None:
    assert not told(f"{x_numbers('AX')[0]} +86138****0007 1790000000000 {DIGITS[:-1]}")


def test_what_was_told_is_not_repeated() -> None:
    watch = PrivacyWatch()
    watch.hear("a test", f"17{DIGITS}")
    assert DIGITS not in str(watch.verdict.breaches)


@pytest.mark.parametrize(
    "row",
    [
        {"pk": f"PARTY#{DIGITS}"},
        {"due_key": f"DUE#{DIGITS}"},
        {"day_key": "CDR", "day_sort": f"2026#{DIGITS}"},
        {"why": f"asked by {person(7)}"},
        {"told": [{"who": DIGITS}]},
        {"counts": {DIGITS: 1}},
        {"tags": {DIGITS}},
        {"lines": zlib.compress(f'{{"caller": "{DIGITS}"}}'.encode())},
        {"body": DIGITS.encode()},
    ],
    ids=["key", "index", "sort key", "text", "nested", "name of a member", "set", "packed page", "bytes"],
)
def test_nothing_of_a_row_is_passed_over(row: dict[str, Any]) -> None:
    assert told(" ".join(readable(row)))


def test_what_is_sealed_may_say_anything() -> None:
    assert not told(" ".join(readable({"sealed": DIGITS.encode(), "x": x_numbers("AX")[0]})))


def test_every_body_that_is_put_into_a_queue_is_looked_at() -> None:
    watch = PrivacyWatch()
    queues = Queues(lambda: datetime(2026, 9, 14, tzinfo=UTC))
    queues.all["work"] = Queue("work", 360, 2, None)
    queues.watchers.append(watch.hear)
    queues.send_message_batch(
        QueueUrl="work", Entries=[{"Id": "1", "MessageBody": f'{{"to": "{person(7)}"}}'}]
    )
    assert not watch.verdict.holds
