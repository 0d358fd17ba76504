"""SMS notices in full: read leniently, kept without a number or a word in clear (notifications.md §6.2)."""

from __future__ import annotations

from typing import Any

import pytest

from builders.keyrings import KEYRING
from builders.pushes import APP_KEY, SIGNED_AT, STRANGER, SUBSCRIPTION, A, B, X, sms_body, wire
from privatenumber.billing.rating.sms import sms_usage_time
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.codes.sms_receivers import explain_appended, explain_ending
from privatenumber.codes.texts import Text
from privatenumber.platform.pushes import SmsNotice, parse_push
from privatenumber.privacy import token
from privatenumber.settings import Mode
from privatenumber.sms_parts import TextSize
from privatenumber.store.fact_rows import NewFact
from privatenumber.store.sms_rows import SmsFact, read_sms
from privatenumber.times import beijing_day, from_iso


def _notice(body: dict[str, Any]) -> SmsNotice:
    (entry,) = parse_push(wire(body)).entries
    assert isinstance(entry, SmsNotice)
    return entry


def _fact(body: dict[str, Any], mode: Mode = Mode.AXB) -> NewFact:
    return fact_of(_notice(body), Reception("demo", SIGNED_AT, KEYRING, mode=mode))


def _sms(body: dict[str, Any], mode: Mode = Mode.AXB) -> SmsFact:
    fact = _fact(body, mode)
    return read_sms({"pk": fact.pk, "sk": fact.sk, **fact.item})


def test_every_documented_field_is_read() -> None:
    sms = _notice(sms_body(areaCode="0755", userData="order-1"))
    assert (sms.app_key, sms.sms_id, sms.notify_mode) == (APP_KEY, "sms-20260902-0001", "Notify")
    assert (sms.calling, sms.called, sms.x) == (A, B, X)
    assert (sms.event, sms.text, sms.send_result) == ("Text SMS", "I am at the gate", 0)
    assert (sms.parts, sms.direction, sms.area_code, sms.user_data) == (1, 1, "0755", "order-1")
    assert (sms.subscription_id, sms.foreign_numbers, sms.asks) == (SUBSCRIPTION, False, False)
    assert sms.timestamp == from_iso("2026-09-02T02:00:00.120Z")


def test_a_question_is_one_in_any_letter_case() -> None:
    assert _notice(sms_body("Block")).asks
    assert _notice(sms_body("BLOCK ")).asks


@pytest.mark.parametrize(
    "changes",
    [
        {"sendResult": "0"},
        {"calling": "138 0013 8001"},
        {"virtualNumber": X.removeprefix("+86")},
        {"timeStamp": "2026-09-02 02:00:00.120"},
        {"areaCode": "", "userData": None},
        {"extInfo": {"extParas": [{"key": "direction", "value": 1}, {"key": "splitNum", "value": 1}]}},
        {"extInfo": [{"extParas": [{"key": "splitNum", "value": "1"}, {"key": "direction", "value": "1"}]}]},
    ],
)
def test_another_spelling_is_the_same_notice(changes: dict[str, Any]) -> None:
    """notifications.md §2.8: a repetition that is spelled otherwise is no contradiction."""
    plain, other = _fact(sms_body()), _fact(sms_body(**changes))
    assert plain.digest == other.digest
    assert {**plain.item, "sealed": b""} == {**other.item, "sealed": b""}


@pytest.mark.parametrize(
    "info", [None, "text", [], {}, {"extParas": None}, {"extParas": ["x"]}, {"extParas": [{"value": "1"}]}]
)
def test_extras_are_optional(info: Any) -> None:
    """notifications.md §6.2: extInfo, extParas and both keys."""
    sms = _notice(sms_body(extInfo=info))
    assert (sms.parts, sms.direction, sms.calling) == (None, None, A)


def test_a_single_pair_that_is_no_list_is_read() -> None:
    assert _notice(sms_body(extInfo={"extParas": {"key": "splitNum", "value": "2"}})).parts == 2


def test_blanks_of_a_text_count_and_long_texts_are_read() -> None:
    """2 000 characters are documented; a blank at the end is a character of the split."""
    assert _notice(sms_body(smsContent="a" * 2000)).text == "a" * 2000
    assert _sms(sms_body(smsContent="a" * 160 + " ")).parts_received == 2


def test_a_number_from_abroad_costs_no_record() -> None:
    fact = _fact(sms_body(calling="+85212345678"))
    assert fact.item["flags"] == ["foreign_number"]
    assert "85212345678" not in repr({**fact.item, "sealed": b""})


def test_a_notice_stands_in_its_beijing_day_and_a_question_in_none() -> None:
    """The Notify is the only record of an SMS (notifications.md §1)."""
    late = _fact(sms_body(timeStamp="2026-09-01T16:00:00.000Z")).item
    assert late["day_key"].startswith("SMS#demo#2026-09-02#")
    assert late["day_sort"].startswith("2026-09-01T16:00:00.000Z#")
    assert "day_key" not in _fact(sms_body("Block")).item


def test_a_row_holds_tokens_results_and_the_private_number() -> None:
    sms = _sms(sms_body(parts="2", sendResult=9))
    assert (sms.calling, sms.called, sms.x) == (token(KEYRING, A), token(KEYRING, B), X)
    assert (sms.send_result, sms.split_num, sms.direction, sms.notify_mode) == (9, 2, 1, "Notify")
    assert (sms.mode, sms.subscription_id, sms.flags) == ("AXB", SUBSCRIPTION, ())
    assert sms.sms == token(KEYRING, "sms-20260902-0001", purpose="sms")


def test_no_number_and_no_word_stands_in_clear() -> None:
    """U-N16, numbers.md §6: smsContent and userData least of all."""
    body = sms_body(smsContent="secret words@13800138002", userData="order-1", smsIdentifier=f"id-{A[1:]}")
    fact = _fact(body, Mode.AX)
    shown = repr({**fact.item, "sealed": b"", "pk": fact.pk, "sk": fact.sk}) + repr(_notice(body))
    for secret in (A[3:], B[3:], "secret words", "order-1"):
        assert secret not in shown


def test_an_x_that_is_one_of_the_people_is_not_shown() -> None:
    fact = _fact(sms_body(virtualNumber=A))
    assert "x" not in fact.item
    assert "x_unreadable" in fact.item["flags"]


def test_a_notice_without_binding_is_an_orphan_but_in_x_mode() -> None:
    """notifications.md §9.3; in X mode no record ever names one."""
    assert _sms(sms_body(subscriptionId=None)).flags == ("orphan",)
    assert _sms(sms_body(subscriptionId=None), Mode.X).flags == ()


class TestText:
    """What the row says of the text; notifications.md §6.1."""

    def test_axb_forwards_a_text_as_it_came(self) -> None:
        sms = _sms(sms_body(smsContent="中" * 71))
        assert (sms.parts_received, sms.parts_forwarded, sms.at_number) == (2, 2, None)

    @pytest.mark.parametrize(
        ("ending", "at_number", "forwarded"),
        [("@13800138002", "valid", 1), ("＠13800138002", "malformed", 2), ("123456789012", "missing", 2)],
    )
    def test_ax_takes_the_number_off_what_a_wrote_if_it_is_one(
        self, ending: str, at_number: str, forwarded: int
    ) -> None:
        """C-059; what a Block answer let pass goes on as it came."""
        sms = _sms(sms_body(smsContent="中" * 59 + ending, direction="1"), Mode.AX)
        assert (sms.at_number, sms.parts_received, sms.parts_forwarded) == (at_number, 2, forwarded)

    def test_the_record_says_whom_a_named_by_his_token_or_why_nobody(self) -> None:
        """The codes that `codes.sms_receivers` explains; no number and no word of the text."""
        sms = _sms(sms_body(smsContent="hi@13800138002", direction="1"), Mode.AX)
        assert (sms.at_fault, sms.receiver, sms.sender_appended) == (None, token(KEYRING, B), False)
        *_, last = explain_ending(sms.at_number or "", sms.at_fault, sms.receiver)
        assert last == Text(f"Receiver: {token(KEYRING, B)}", f"接收方：{token(KEYRING, B)}")
        sms = _sms(sms_body(smsContent="hi@138001380", direction="1"), Mode.AX)
        assert (sms.at_number, sms.at_fault, sms.receiver) == ("malformed", "not_mobile", None)

    def test_ax_appends_the_sender_to_what_others_wrote(self) -> None:
        """S40: one part becomes two."""
        sms = _sms(sms_body(smsContent="中" * 54, direction="0", calling=STRANGER), Mode.AX)
        assert (sms.at_number, sms.parts_received, sms.parts_forwarded) == (None, 1, 2)
        assert sms.sender_appended
        assert "Parts as written: 1; as forwarded and charged: 2" in [
            each.en for each in explain_appended(1, 2)
        ]

    @pytest.mark.parametrize("direction", ["2", None])
    def test_ax_without_a_direction_leaves_open_what_was_forwarded(self, direction: str | None) -> None:
        sms = _sms(sms_body(direction=direction), Mode.AX)
        assert (sms.parts_received, sms.parts_forwarded, sms.at_number) == (1, None, None)

    def test_it_says_how_long_both_texts_are_for_whoever_counts_by_other_limits(self) -> None:
        """billing-rules.md §4.1: the limits are settings, and the text itself is nowhere in clear."""
        sms = _sms(sms_body(smsContent="中" * 59 + "@13800138002", direction="1"), Mode.AX)
        assert (sms.size_received, sms.size_forwarded) == (
            TextSize(71, english=False),
            TextSize(59, english=False),
        )
        sms = _sms(sms_body(smsContent="hello", direction="2"), Mode.AX)
        assert (sms.size_received, sms.size_forwarded) == (TextSize(5, english=True), None)

    def test_a_text_that_is_not_delivered_is_not_guessed(self) -> None:
        sms = _sms(sms_body(smsContent=None), Mode.AX)
        assert (sms.parts_received, sms.parts_forwarded, sms.at_number) == (None, None, None)


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("2027-09-02T02:00:00.000Z", "2026-09-02"),
        ("2026-09-02T12:00:00.000Z", "2026-09-02"),
        ("2026-09-01T12:00:00.000Z", "2026-09-01"),
    ],
)
def test_an_sms_stands_under_the_day_under_which_it_is_billed(told: str, day: str) -> None:
    """A time that lies ahead of us is none (billing-rules.md §3.3); clocks differ (auth.md §6)."""
    fact = _fact(sms_body(timeStamp=told))
    assert fact.item["day_key"].startswith(f"SMS#demo#{day}#")
    assert fact.item["at"].startswith(told[:19])
    assert str(beijing_day(sms_usage_time(_sms(sms_body(timeStamp=told))))) == day
