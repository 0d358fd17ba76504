"""Refusals and ends of calls in plain sentences, by table (result-codes.md §8, cause-codes.md §5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.codes import causes
from privatenumber.codes.checks import all_checks, checks_for
from privatenumber.codes.explain import explain_call, explain_refusal
from privatenumber.codes.results import all_codes, explained
from privatenumber.codes.texts import Text

CHECKS = tuple(check.text for check in all_checks())
CODES = st.none() | st.integers(-9, 99_999) | st.sampled_from(["", "8014", " 17 ", "x", "13800138001"])


@pytest.mark.parametrize(
    ("code", "start"),
    [
        ("1010029", 1),  # C-034, C-038
        ("1010040", 2),  # C-030
        ("1011001", 2),  # C-032
        ("1012001", 2),  # C-031
        ("1012102", 3),  # C-033
        ("1010002", 4),  # C-029
        ("1011004", 6),  # C-036
        ("1012007", 6),
        ("1016001", 6),
        ("1011005", 7),  # C-037
        ("1012009", 7),
        ("1012010", 7),
        ("1016002", 7),
        ("1020167", 7),
    ],
)
def test_the_code_decides_where_the_checks_start(code: str, start: int) -> None:
    """result-codes.md §8."""
    assert [check.number for check in checks_for(code)] == list(range(start, 8))
    texts = explained(403, code, "axb.modify")
    assert explain_refusal("axb.modify", 403, code) == (
        texts.meaning,
        texts.cause,
        texts.remedy,
        *CHECKS[start - 1 :],
    )


@pytest.mark.parametrize(
    ("status", "code"), [(400, "1023006"), (401, "1010010"), (403, "1012008"), (500, "1010001"), (404, None)]
)
def test_a_refusal_that_no_check_names_is_told_by_its_own_three_sentences(
    status: int, code: str | None
) -> None:
    texts = explained(status, code, "ax.bind")
    assert explain_refusal("ax.bind", status, code) == (texts.meaning, texts.cause, texts.remedy)


def test_an_unknown_code_is_named_told_by_its_status_and_followed_by_every_check() -> None:
    """result-codes.md §1: other 4xx are judged by status."""
    named, meaning, *rest = explain_refusal("axe.bind", 403, "1099999")
    assert named == Text(
        "Unknown code 1099999 with HTTP status 403; our tables do not have it, so the status decides",
        "未知代码 1099999，HTTP 状态码 403；表中没有该代码，按状态码判断",
    )
    assert meaning.en == "The platform refuses the request for a reason we do not know"
    assert tuple(rest[2:]) == CHECKS


def test_calls_and_recordings_have_no_checks_of_bindings() -> None:
    """result-codes.md §8 is about binds, releases, changes and queries."""
    assert len(explain_refusal("call.stop", 500, "1020001")) == 3
    assert len(explain_refusal("record.url", 403, "1012007")) == 3


def test_a_success_has_no_cause_and_no_checks() -> None:
    assert [text.en for text in explain_refusal("axb.bind", 200, "0")] == ["Done", "Nothing to do"]


def test_the_wrong_mode_is_explained_before_anything_is_sent() -> None:
    """C-030."""
    meaning, _, remedy, *checks = explain_refusal("axe.bind", 403, "1010040")
    assert "another mode" in meaning.en
    assert "模式" in meaning.zh
    assert remedy.en == "Use an application of the right mode"
    assert checks[0].en.startswith("Has the application the mode of the interface")


@given(st.integers(), st.none() | st.text(), st.sampled_from(["ax.bind", "axyb.query", "call.stop", ""]))
def test_every_refusal_can_be_told(status: int, code: str | None, api: str) -> None:
    told = explain_refusal(api, status, code)
    assert len(told) >= 2
    assert all(text.en and text.zh for text in told)


def test_no_documented_code_is_told_as_unknown() -> None:
    for row in all_codes():
        told = explain_refusal("axb.bind", row.http_status, row.code or None)
        if row.http_status != 301:  # a redirect is an answer for recordings only
            assert not told[0].en.startswith(("Unknown", "Unreadable"))


def english(*told: Text) -> list[str]:
    return [text.en for text in told]


@pytest.mark.parametrize(
    ("state_code", "q850", "teardown", "sip", "expected"),
    [
        (
            0,
            0,
            0,
            0,
            [
                "The call was answered and then ended",
                "Someone hung up, the longest call length was reached, or we stopped it",
                "Nothing; the CDR is rated",
            ],
        ),
        (
            8014,
            0,
            8014,
            403,
            [
                "No binding for this caller on this X",
                "A stranger, a binding that had ended, a badly written bound number, or a bad X-mode answer",
                "Look at the bindings of X at the time of the call; never release because of it",
                "The network's SIP status was 403",
            ],
        ),
        (
            "8102",
            "17",
            "8102",
            "486",
            [
                "The callee is busy",
                "In another call or ringing",
                "Try later",
                "The carrier's cause (Q.850 17): Busy",
                "The callee is in another call",
                "Call again later",
                "The network's SIP status was 486",
            ],
        ),
        (
            522,
            42,
            522,
            503,
            [
                "The platform had no voice port left",
                "The platform is overloaded",
                "Try later; raise an alarm when it repeats",
                "The carrier's cause (Q.850 42): Switch overloaded",
                "The network's SIP status was 503",
            ],
        ),
        (
            8018,
            None,
            7104,
            None,
            [
                "No AX binding on this X",
                "X was never bound, or is bound no longer",
                "Look at the history of X at the time of the call",
                "The hang-up event said otherwise: The caller has no permission. The CDR counts",
            ],
        ),
    ],
    ids=["answered", "stranger", "busy", "overload", "event and CDR differ"],
)
def test_a_call_is_told_from_its_main_cause_on(
    state_code: int | str,
    q850: int | str | None,
    teardown: int | str,
    sip: int | str | None,
    expected: list[str],
) -> None:
    """cause-codes.md §2 rule 6 and §5: main cause, Q.850 refines what is the callee's, SIP is only shown."""
    assert english(*explain_call(state_code, q850, teardown, sip)) == expected


def test_without_a_cdr_the_hang_up_event_tells() -> None:
    """cause-codes.md §5 order 2."""
    assert explain_call(8104, None, None, None)[0] == causes.hangup(8104).texts.meaning


def test_a_call_without_any_code_is_told_as_such() -> None:
    assert explain_call(None, None, None, None)[0] == Text("No code was reported", "没有上报代码")


def test_an_unknown_cause_of_the_carrier_is_named() -> None:
    """cause-codes.md §2 rule 2."""
    assert english(*explain_call(8102, 126, 8102, 0))[3:] == ["The carrier's cause (Q.850): Unknown code 126"]


@given(CODES, CODES, CODES, CODES)
def test_every_call_can_be_told_and_quotes_nothing_that_is_no_code(
    state_code: int | str | None, q850: int | str | None, teardown: int | str | None, sip: int | str | None
) -> None:
    told = explain_call(state_code, q850, teardown, sip)
    assert len(told) >= 3
    assert all(text.en and text.zh and "138001" not in text.en + text.zh for text in told)
