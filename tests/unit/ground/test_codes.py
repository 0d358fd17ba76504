"""Result codes and causes as facts: which there are and what they mean to us (C-028 to C-040, C-098)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privatenumber.codes import causes
from privatenumber.codes.number_states import number_cause, number_causes, number_state, number_states
from privatenumber.codes.results import Outcome, Retry, all_codes, explained, lookup

RESULT_CODES: dict[int, list[int | None]] = {
    200: [0],
    301: [None],
    400: [*range(1023006, 1023014), *range(1023026, 1023039)],
    401: [1010010, 1010013],
    403: [
        *(1010002, 1010003, 1010004, 1010006, 1010008, 1010010, 1010029, 1010040),
        *(1011001, 1011002, 1011003, 1011004, 1011005, 1011006),
        *(1012001, 1012007, 1012008, 1012009, 1012010, 1012012, 1012102, 1013102, 1016001, 1016002),
        *(1020166, 1020167, 1020176, 1020178),
    ],
    500: [1010001, 1020001, 1020002, 1020150, 1020152, 1023001, 1023002],
}
"""result-codes.md §3."""

HANGUPS = [
    *(0, 522, 7001, 7002, 7003, 7004, 7005, 7100, 7101, 7102, 7105, 7106, 7107, 7108, 7109),
    *(7500, 7501, 7502, 7503, 7504, 7507, 7516, 8006, 8007, 8008, 8010, 8011, 8013, 8014, 8015, 8016, 8017),
    *(8018, 8019, 8020, 8022, 8023, 8024, 8025, 8030, 8031, 8032, 8033, 8035, 8040, 8041, 8042, 8043, 8044),
    *(8046, 8047, 8048, 8049, 8050, 8051, 8055, 8056, 8057, 8058, 8059, 8100, 8101, 8102, 8103, 8104, 8105),
]
"""cause-codes.md §3: 66 rows."""

TEARDOWNS_ONLY = [7103, 7104, 7505, 7506, 7508, 8002, 8003, 8004, 8005, 8009, 8012]
"""Teardown points that no hang-up event reports; with the hang-up causes 77 rows."""

Q850 = [
    *range(10),
    *(16, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 31, 34, 38, 39, 40, 41, 42, 43, 44, 46, 47),
    *(49, 50, 53, 55, 57, 58, 62, 63, 65, 66, 69, 70, 79, 81, 82, 83, 84, 85, 86, 87, 88, 90, 91, 95, 96, 97),
    *(98, 99, 100, 101, 102, 103, 110, 111, 127),
]
"""C-040: 70 rows."""


def test_every_documented_result_code_is_there_and_no_other() -> None:
    """result-codes.md §3, C-028 to C-035."""
    keys = [(row.http_status, int(row.code) if row.code else None) for row in all_codes()]
    assert keys == [(status, code) for status, codes in RESULT_CODES.items() for code in codes]
    assert {row.outcome for row in all_codes()} == set(Outcome) - {Outcome.UNKNOWN}
    assert all(row.apis and row.known for row in all_codes())


def test_the_lists_of_causes_are_the_platforms() -> None:
    """C-039, C-040, C-098; cause-codes.md §3."""
    assert [cause.code for cause in causes.hangups()] == HANGUPS
    assert [cause.code for cause in causes.teardowns()] == sorted(HANGUPS + TEARDOWNS_ONLY)
    assert [cause.code for cause in causes.q850_causes()] == Q850
    assert [cause.code for cause in causes.sms_results()] == list(range(14))


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
        (403, "1011005", "ax.bind", Outcome.CONFLICT, Retry.NEVER),  # C-037
        (403, "1016002", "axyb.bind", Outcome.CONFLICT, Retry.NEVER),
        (403, "1020167", "axe.bind", Outcome.CONFLICT, Retry.NEVER),
        (403, "1011003", "ax.bind", Outcome.LIMIT_PER_USER, Retry.NEVER),
        (403, "1012009", "axb.bind", Outcome.FULL, Retry.NEVER),
        (403, "1012008", "axb.bind", Outcome.NO_RESOURCE, Retry.AFTER_FIX),
        (403, "1012008", "axyb.bind", Outcome.NO_RESOURCE, Retry.AFTER_FIX),
        (403, "1011006", "axb.bind", Outcome.FLOW, Retry.AFTER_1_MINUTE),
        (403, "1020178", "axb.bind", Outcome.LIMIT_PER_USER, Retry.NEVER),
        (403, "1012012", "axb.bind", Outcome.NO_RECORDING, Retry.AFTER_FIX),
        (403, "1012012", "record.url", Outcome.NO_RECORDING, Retry.AFTER_FIX),
        (403, "1012007", "axb.query", Outcome.NOT_FOUND, Retry.NEVER),  # C-036
        (403, "1016001", "axe.query", Outcome.NOT_FOUND, Retry.NEVER),  # C-036
        (500, "1020152", "call.stop", Outcome.NOT_FOUND, Retry.NEVER),
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
        (403, "1011001", "ax.unbind", Outcome.NOT_FOUND),
        (403, "1011004", "ax.unbind", Outcome.NOT_FOUND),
        (403, "1012001", "axb.unbind", Outcome.NOT_FOUND),
        (403, "1012007", "axb.unbind", Outcome.NOT_FOUND),
        (403, "1012001", "axe.unbind", Outcome.NOT_FOUND),
        (403, "1016001", "axe.unbind", Outcome.NOT_FOUND),
        (403, "1016001", "axyb.unbind", Outcome.NOT_FOUND),
        (403, "1010002", "call.stop", Outcome.NOT_FOUND),
        (403, "1012007", "call.stop", Outcome.NOT_FOUND),
    ],
)
def test_some_codes_mean_something_else_at_one_api(
    status: int, code: str, api: str, outcome: Outcome
) -> None:
    """result-codes.md §6; ax.md §3, axb.md §3, axe.md §3: gone is success for a release."""
    found = lookup(status, code, api)
    assert (found.outcome, found.retry) == (outcome, Retry.NEVER)


@pytest.mark.parametrize(
    ("status", "retry", "outcome"),
    [
        (400, Retry.AFTER_FIX, Outcome.AUTH),
        (401, Retry.AFTER_FIX, Outcome.AUTH),
        (302, Retry.NEVER, Outcome.INVALID),
        (403, Retry.NEVER, Outcome.INVALID),
        (404, Retry.AFTER_FIX, Outcome.INVALID),
        (409, Retry.NEVER, Outcome.INVALID),
        (429, Retry.AFTER_1_MINUTE, Outcome.FLOW),
        (500, Retry.NOW, Outcome.TRANSIENT),
        (502, Retry.NOW, Outcome.TRANSIENT),
        (599, Retry.NOW, Outcome.TRANSIENT),
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


def test_a_redirect_is_success_for_recordings_only() -> None:
    """recording-and-call-stop.md §2."""
    assert lookup(301, None, "axb.query").outcome is Outcome.INVALID


@given(st.integers(), st.none() | st.text(), st.text())
def test_looking_up_never_fails(status: int, code: str | None, api: str) -> None:
    found = lookup(status, code, api)
    assert found.meaning == explained(status, code, api).meaning.en
    assert found.remedy == explained(status, code, api).remedy.en


@pytest.mark.parametrize("code", [8014, "8014", " 8014 "])
def test_a_stranger_on_x_is_a_matter_of_bindings(code: int | str) -> None:
    """C-039; cause-codes.md §2 rule 3: numbers and numeric strings."""
    assert causes.hangup(code).group == "binding"
    assert causes.teardown(code) == causes.hangup(code)


def test_a_hangup_event_may_carry_a_code_of_the_other_list() -> None:
    """cause-codes.md §2 rule 1."""
    assert causes.hangup(7104).known


@pytest.mark.parametrize("find", [causes.hangup, causes.teardown, causes.q850, causes.sms_result])
def test_causes_of_no_table_are_named_and_never_fail(find: object) -> None:
    """cause-codes.md §2 rule 2 and §6."""
    assert callable(find)
    found = find(4242)
    assert (found.code, found.group, found.known) == (4242, "unknown", False)
    assert (found.texts.meaning.en, found.texts.meaning.zh) == ("Unknown code 4242", "未知代码 4242")


@pytest.mark.parametrize("code", ["13800138001", "+8613800138001", "８０１４", "8014x", ""])
def test_a_text_that_is_no_code_is_not_repeated(code: str) -> None:
    """numbers.md §6: it may be a phone number."""
    found = causes.hangup(code)
    assert (found.code, found.known) == (None, False)
    assert not code or code not in repr(found)


def test_an_absent_cause_is_unknown() -> None:
    """cause-codes.md §1."""
    assert causes.teardown(None).texts.meaning.en == "No code was reported"


def test_every_cause_of_a_call_says_who_can_act() -> None:
    """cause-codes.md §3: eight groups."""
    groups = {"normal", "binding", "caller", "callee", "number", "tenant", "control", "platform"}
    assert {cause.group for cause in causes.teardowns()} == groups


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 127])
def test_q850_causes_are_complete(code: int) -> None:
    """C-040."""
    assert causes.q850(code).known


def test_an_absent_q850_cause_is_not_applicable() -> None:
    assert causes.q850(None) == causes.q850(0)


@pytest.mark.parametrize(
    ("code", "charged"), [(0, "yes"), (9, "partly"), (1, "no"), (13, "no"), (77, "no"), (None, "no")]
)
def test_sms_results_say_what_is_charged(code: int | None, charged: str) -> None:
    """C-098; cause-codes.md §6."""
    assert causes.sms_result(code).charged == charged


def test_sms_results_say_whether_a_text_may_be_sent_again() -> None:
    """cause-codes.md §6: permanent 2, 4, 6, 8, 11, 12, 13; what was sent is not sent again."""
    assert {cause.code for cause in causes.sms_results() if cause.repeatable} == {1, 3, 5, 7, 9, 10}


@pytest.mark.parametrize(
    ("status", "new_bindings", "in_service"),
    [(5, True, True), ("9", False, False), (10, False, False), ("11", False, True)],
)
def test_a_state_says_what_x_still_does(status: int | str, new_bindings: bool, in_service: bool) -> None:
    """notifications.md §7, numbers.md §3."""
    state = number_state(status)
    assert (state.status, state.new_bindings, state.in_service) == (int(status), new_bindings, in_service)


def test_states_and_their_causes_are_the_documented_ones() -> None:
    """notifications.md §7: 4 is not used."""
    assert [state.status for state in number_states()] == [5, 9, 10, 11]
    assert list(number_causes()) == [1, 2, 3, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("status", [None, "", 4, "12", "frozen", 0])
def test_nothing_is_concluded_from_a_state_nobody_knows(status: int | str | None) -> None:
    """notifications.md §7: shown as other."""
    state = number_state(status)
    assert (state.known, state.new_bindings, state.in_service) == (False, None, None)
    assert number_cause(status) == state.texts
