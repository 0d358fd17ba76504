"""What the platform does to the text of an SMS: notifications.md §6.1, billing-rules.md §4.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pushes import A, B
from privatenumber.calls.sms_text import AtNumber, Fault, addressed, with_sender
from privatenumber.codes.sms_receivers import endings, explain_ending
from privatenumber.sms_parts import parts

mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


@pytest.mark.parametrize(
    ("body", "received", "forwarded"),
    [
        ("中" * 58, 1, 1),  # S31
        ("中" * 59, 2, 1),
        ("中" * 70, 2, 1),
        ("中" * 122, 2, 2),
        ("中" * 123, 3, 2),
        ("a" * 148, 1, 1),
        ("a" * 149, 2, 1),
        ("a" * 160, 2, 1),  # S38
    ],
)
def test_what_a_sends_is_forwarded_without_the_number(body: str, received: int, forwarded: int) -> None:
    """billing-rules.md §4.1, S31 to S38."""
    text = f"{body}@13800138002"
    assert parts(text) == received
    read = addressed(text)
    assert (read.ending, read.receiver, read.text) == (AtNumber.VALID, B, body)
    assert parts(read.text) == forwarded


@pytest.mark.parametrize(
    ("body", "received", "forwarded"),
    [
        ("中" * 53, 1, 1),  # S39
        ("中" * 54, 1, 2),
        ("中" * 70, 1, 2),
        ("中" * 117, 2, 2),
        ("中" * 118, 2, 3),
        ("a" * 143, 1, 1),
        ("a" * 144, 1, 2),
        ("a" * 160, 1, 2),  # S46
    ],
)
def test_what_others_send_is_forwarded_with_the_number(body: str, received: int, forwarded: int) -> None:
    """billing-rules.md §4.1, S39 to S46; C-156."""
    assert parts(body) == received
    assert with_sender(body, B) == f"{body}[From13800138002]"
    assert parts(with_sender(body, B)) == forwarded


@pytest.mark.parametrize("ending", ["@13800138002", "@+8613800138002", "@13800138002  ", "@+8613800138002\n"])
def test_a_valid_ending_names_the_receiver(ending: str) -> None:
    """notifications.md §6.1: half-width @, optional +86, 11 digits, trailing blanks."""
    read = addressed("On my way" + ending)
    assert (read.ending, read.receiver, read.text) == (AtNumber.VALID, B, "On my way")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("On my way＠13800138002", Fault.WRONG_AT),
        ("mail bob@example.com＠13800138002", Fault.WRONG_AT),
        ("On my way@1380013800", Fault.NOT_MOBILE),  # ten digits
        ("On my way@138001380022", Fault.NOT_MOBILE),  # twelve digits
        ("On my way@12800138002", Fault.NOT_MOBILE),  # no mobile number
        ("On my way@8613800138002", Fault.NOT_MOBILE),  # 86 without +
        ("On my way@13800138002 thanks", Fault.BEHIND),
        ("@13800138001 and mail bob@example.com", Fault.BEHIND),
        ("On my way@ 13800138002", Fault.SEPARATED),
        ("On my way@138 0013 8002", Fault.SEPARATED),
        ("On my way@+86-138-0013-8002", Fault.SEPARATED),
        ("On my way#13800138002", Fault.NO_AT),  # another separator
        ("On my way 13800138002", Fault.NO_AT),
        ("On my way 138-0013-8002", Fault.NO_AT),
        ("On my way 13800138002.", Fault.NO_AT),
        ("mail bob@example.com 13800138002", Fault.NO_AT),
        ("On my way@075520000001", Fault.NOT_MOBILE),
        ("On my way@１３８００１３８００２", Fault.NOT_MOBILE),
    ],
)
def test_an_attempt_that_is_no_valid_ending_is_malformed(text: str, fault: Fault) -> None:
    """notifications.md §6.1: wrong separator or bad number; C-059."""
    read = addressed(text)
    assert (read.ending, read.fault) == (AtNumber.MALFORMED, fault)
    assert (read.receiver, read.text) == (None, text)


@pytest.mark.parametrize(
    "text", ["", "On my way", "mail me: bob@example.com", "room 1205", "@", "order 12345678901234"]
)
def test_a_text_without_a_number_at_its_end_has_none(text: str) -> None:
    read = addressed(text)
    assert (read.ending, read.fault) == (AtNumber.MISSING, None)


def test_every_ending_is_explained() -> None:
    """Why a text reached nobody is read from its record; MALFORMED is told by its fault."""
    codes = {*AtNumber, *Fault} - {AtNumber.MALFORMED}
    assert set(endings()) == {code.value for code in codes} | {"appended"}


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("hi@13800138002", "forwards the rest", "转发给该号码"),
        ("hi", "names no receiver", "没有指明接收方"),
        ("hi＠13800138002", "full-width", "全角"),
        ("hi 13800138002", "no @ before it", "前面没有 @"),
        ("hi@138 0013 8002", "split by blanks", "空格"),
        ("hi@13800138002 bye", "Something follows", "后面还有其他内容"),
        ("hi@1380013", "no mobile number of 11 digits", "不是 11 位手机号"),
    ],
)
def test_what_a_wrote_is_explained_from_its_codes(text: str, english: str, chinese: str) -> None:
    read = addressed(text)
    meaning, *_ = explain_ending(read.ending.value, read.fault and read.fault.value)
    assert english in meaning.en
    assert chinese in meaning.zh


def test_a_sender_who_is_no_mobile_is_appended_as_he_came() -> None:
    assert with_sender("hi", "+85212345678") == "hi[From+85212345678]"


@given(
    body=st.text(),
    number=mobiles,
    prefix=st.sampled_from(["", "+86"]),
    blanks=st.sampled_from(["", " ", "   "]),
)
def test_a_valid_ending_is_taken_off_and_nothing_else(
    body: str, number: str, prefix: str, blanks: str
) -> None:
    read = addressed(f"{body}@{prefix}{number}{blanks}")
    assert (read.ending, read.text, read.receiver) == (AtNumber.VALID, body, f"+86{number}")


@given(st.text())
def test_a_text_is_either_addressed_or_left_as_it_is(text: str) -> None:
    read = addressed(text)
    assert (read.receiver is None) == (read.ending is not AtNumber.VALID)
    assert read.text == text if read.receiver is None else text.startswith(read.text + "@")


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_only_mobiles_are_read_as_sender(text: str) -> None:
    assert with_sender(text, A).endswith("[From13800138001]")
