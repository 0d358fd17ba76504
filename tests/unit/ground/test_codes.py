"""Result codes and causes (result-codes.md, cause-codes.md, C-028 to C-040, C-098)."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.codes import causes
from privatenumber.codes.results import Outcome, Retry, all_codes, lookup


def test_one_number_with_two_statuses_is_two_codes() -> None:
    """result-codes.md §1: 1010010 with 401 is a wrong digest, with 403 flow control."""
    assert lookup(401, "1010010", "axb.bind").outcome is Outcome.AUTH
    assert lookup(403, "1010010", "axb.bind").outcome is Outcome.FLOW


@pytest.mark.parametrize(
    ("status", "code", "api", "outcome", "retry"),
    [
        (200, "0", "axb.bind", Outcome.OK, Retry.NEVER),
        (301, None, "record.url", Outcome.OK, Retry.NEVER),
        (400, "1023006", "axb.bind", Outcome.AUTH, Retry.AFTER_FIX),  # C-028
        (403, "1010002", "axb.bind", Outcome.INVALID, Retry.AFTER_FIX),  # C-029
        (403, "1010040", "axb.bind", Outcome.WRONG_MODE, Retry.AFTER_FIX),  # C-030
        (403, "1012001", "axb.bind", Outcome.NOT_OWNED, Retry.AFTER_FIX),  # C-031
        (403, "1011001", "ax.bind", Outcome.NOT_OWNED, Retry.AFTER_FIX),  # C-032
        (403, "1012102", "axb.bind", Outcome.NUMBER_STATE, Retry.AFTER_FIX),  # C-033
        (403, "1010029", "axb.query", Outcome.FROZEN, Retry.AFTER_FIX),  # C-034
        (403, "1020176", "axb.bind", Outcome.LOCKED, Retry.AFTER_30_MINUTES),  # C-035
        (403, "1020166", "axb.bind", Outcome.AUTH, Retry.AFTER_FIX),
        (403, "1012010", "axb.bind", Outcome.CONFLICT, Retry.NEVER),  # C-037, C-041
        (403, "1013102", "axb.bind", Outcome.CONFLICT, Retry.NEVER),
        (403, "1012009", "axb.bind", Outcome.FULL, Retry.NEVER),
        (403, "1012008", "axb.bind", Outcome.NO_RESOURCE, Retry.AFTER_FIX),
        (403, "1011006", "axb.bind", Outcome.FLOW, Retry.AFTER_1_MINUTE),
        (403, "1020178", "axb.bind", Outcome.LIMIT_PER_USER, Retry.NEVER),
        (403, "1012012", "axb.bind", Outcome.NO_RECORDING, Retry.AFTER_FIX),
        (403, "1012007", "axb.query", Outcome.NOT_FOUND, Retry.NEVER),  # C-036
        (500, "1023002", "axb.bind", Outcome.TRANSIENT, Retry.NOW),
    ],
)
def test_codes_mean_what_the_table_says(
    status: int, code: str | None, api: str, outcome: Outcome, retry: Retry
) -> None:
    found = lookup(status, code, api)
    assert (found.outcome, found.retry, found.known) == (outcome, retry, True)


@pytest.mark.parametrize(
    ("status", "code", "api", "outcome"),
    [
        (403, "1012007", "axb.bind", Outcome.NOT_OWNED),
        (403, "1012001", "axb.unbind", Outcome.NOT_FOUND),
        (403, "1012007", "axb.unbind", Outcome.NOT_FOUND),
        (403, "1010002", "call.stop", Outcome.NOT_FOUND),
    ],
)
def test_some_codes_mean_something_else_at_one_api(
    status: int, code: str, api: str, outcome: Outcome
) -> None:
    """result-codes.md §6; axb.md §3: gone is success for a release."""
    found = lookup(status, code, api)
    assert found.outcome is outcome
    assert found.retry in {Retry.NEVER, Retry.AFTER_FIX}


@pytest.mark.parametrize(
    ("status", "retry", "outcome"),
    [
        (400, Retry.AFTER_FIX, Outcome.AUTH),
        (401, Retry.AFTER_FIX, Outcome.AUTH),
        (403, Retry.NEVER, Outcome.INVALID),
        (404, Retry.AFTER_FIX, Outcome.INVALID),
        (409, Retry.NEVER, Outcome.INVALID),
        (429, Retry.AFTER_1_MINUTE, Outcome.FLOW),
        (500, Retry.NOW, Outcome.TRANSIENT),
        (502, Retry.NOW, Outcome.TRANSIENT),
    ],
)
def test_unknown_codes_are_judged_by_status(status: int, retry: Retry, outcome: Outcome) -> None:
    """result-codes.md §1, with a code nobody documented and without any code."""
    for code in ("9999999", None):
        found = lookup(status, code, "axb.bind")
        assert (found.retry, found.outcome, found.known) == (retry, outcome, code is None)


def test_a_success_status_with_a_failure_code_is_a_failure() -> None:
    """result-codes.md §1: looked up by code alone."""
    assert lookup(200, "1012010", "axb.bind").outcome is Outcome.CONFLICT


def test_a_success_status_without_a_code_leaves_the_outcome_unknown() -> None:
    assert lookup(200, None, "axb.bind").outcome is Outcome.UNKNOWN


@given(st.integers(), st.none() | st.text(), st.text())
def test_looking_up_never_fails(status: int, code: str | None, api: str) -> None:
    assert lookup(status, code, api).meaning


def test_every_row_is_complete() -> None:
    keys = [(row.http_status, row.code) for row in all_codes()]
    assert len(keys) == len(set(keys)) == 60
    assert all(row.meaning and row.remedy and row.apis for row in all_codes())
    assert {row.outcome for row in all_codes()} == set(Outcome) - {Outcome.UNKNOWN}


@pytest.mark.parametrize("code", [8014, "8014"])
def test_a_stranger_on_x_is_a_matter_of_bindings(code: int | str) -> None:
    """C-039; cause-codes.md §2 rule 3: numbers and numeric strings."""
    assert causes.hangup(code).group == "binding"
    assert causes.teardown(code) == causes.hangup(code)


def test_causes_of_no_table_are_named_and_never_fail() -> None:
    """cause-codes.md §2 rule 2."""
    assert causes.hangup(4242) == causes.Cause(4242, "unknown", "unknown code 4242")
    assert causes.teardown(None).group == "unknown"


def test_a_text_that_is_no_code_is_not_repeated() -> None:
    assert "138" not in causes.hangup("13800138001").meaning


def test_every_hangup_cause_says_who_can_act_and_what_to_do() -> None:
    """cause-codes.md §3: eight groups; C-039."""
    groups = {"normal", "binding", "caller", "callee", "number", "tenant", "control", "platform"}
    with Path(causes.__file__).with_name("calls.csv").open(encoding="utf-8") as rows:
        codes = [int(row["code"]) for row in csv.DictReader(rows)]
    assert len(codes) == len(set(codes)) == 77
    for code in codes:
        found = causes.hangup(code)
        assert found.group in groups
        assert found.meaning
        assert found.likely_cause
        assert found.what_to_do


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 127])
def test_q850_causes_are_complete(code: int) -> None:
    """C-040."""
    assert causes.q850(code).group != "unknown"


def test_an_absent_q850_cause_is_not_applicable() -> None:
    assert causes.q850(None) == causes.q850(0)


@pytest.mark.parametrize(
    ("code", "charged"), [(0, "yes"), (9, "partly"), (1, "no"), (13, "no"), (77, "no"), (None, "no")]
)
def test_sms_results_say_what_is_charged(code: int | None, charged: str) -> None:
    """C-098; cause-codes.md §6."""
    assert causes.sms_result(code).charged == charged
