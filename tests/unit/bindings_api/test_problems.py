"""One table turns every error of the domain into a problem document (RFC 9457)."""

from __future__ import annotations

import inspect
import json
from datetime import UTC, datetime, timedelta

import pytest

from builders.bindings_api import PEOPLE, A
from functions.bindings.problem_kinds import KINDS, answer_problem
from functions.bindings.problems import describe
from privatenumber import csv_table
from privatenumber import http_request as event
from privatenumber.bindings import errors, numbers
from privatenumber.bindings.errors import PoolReason
from privatenumber.codes.results import Outcome, lookup
from privatenumber.platform.errors import NotSent, PlatformError, error_for, no_answer

NOW = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)


def refusal(status: int = 403, code: str = "1012012") -> PlatformError:
    return error_for("axb.bind", lookup(status, code, "axb.bind"))


EXAMPLES: list[Exception] = [
    errors.BindingNotFound(),
    errors.PartnerNotFound(),
    errors.InvalidRequest("a", "must be a number"),
    errors.InvalidRequest("mode", "must be AXB"),
    errors.OrderConflict("b1"),
    errors.IdempotencyMismatch(),
    *[errors.PoolEmpty(reason) for reason in PoolReason],
    *[errors.PartyConflict(field) for field in ("a", "b", "anyone", "extension")],
    errors.StateConflict("CLOSED", "it has ended"),
    errors.BindRefused(refusal(), "b1"),
    errors.PlatformPaused(NOW + timedelta(seconds=90), refusal(403, "1010010")),
    errors.OutcomeUnknown(no_answer("ax.set_callee")),
    errors.Busy(),
    numbers.NumberInUse(3),
    csv_table.FileRefused("no rows"),
    event.InvalidFields(("a", "is required")),
    event.UnreadableBody(),
    event.WrongMediaType(("application/json",)),
    event.BodyTooLarge(10),
]


def test_every_error_of_the_domain_has_a_problem_of_its_own() -> None:
    """A new error class without a line in the table would become a 500."""
    classes = {
        member
        for module in (errors, numbers, csv_table, event)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Exception) and member.__module__ == module.__name__
    }
    private = {member for member in classes if member.__name__.startswith("_")}
    described = {type(example) for example in EXAMPLES}
    assert classes - private - described - {errors.BindingError} == set()
    for example in EXAMPLES:
        assert describe(example, NOW).kind != "internal", example


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_problem_document_is_complete(error: Exception) -> None:
    response = answer_problem(describe(error, NOW), "request-1")
    document = json.loads(response["body"])
    assert response["headers"]["content-type"] == "application/problem+json"
    assert response["statusCode"] == document["status"]
    assert document["type"].startswith("urn:private-number:problem:")
    assert document["request_id"] == "request-1"
    for member in ("title", "detail", "remedy"):
        assert document[member].strip() == document[member] != ""


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_only_what_may_be_repeated_later_has_a_time_for_it(error: Exception) -> None:
    response = answer_problem(describe(error, NOW), "request-1")
    assert ("retry-after" in response["headers"]) == (response["statusCode"] == 503)


def test_a_state_that_passes_tells_when_to_come_again() -> None:
    error = errors.StateConflict("REQUESTED", "its outcome is not known yet", retry_after_s=15)
    response = answer_problem(describe(error, NOW), "request-1")
    assert (response["statusCode"], response["headers"]["retry-after"]) == (409, "15")


@pytest.mark.parametrize("status", [403, 500])
def test_what_may_have_happened_is_not_called_undone(status: int) -> None:
    """result-codes.md §5: without a usable answer the callee may be set; the same request may be repeated."""
    cause = no_answer("ax.set_callee") if status == 403 else refusal(500, "1023001")
    for error in (errors.OutcomeUnknown(cause), cause):
        document = json.loads(answer_problem(describe(error, NOW), "r")["body"])
        assert document["type"] == "urn:private-number:problem:outcome-unknown"
        assert "may have had its effect" in document["detail"]


def test_a_wrong_mode_is_explained_with_the_code_that_was_not_even_asked_for() -> None:
    """C-120, C-172: 1010040."""
    error = errors.InvalidRequest("mode", "must be AX, the mode of this application for life")
    document = json.loads(answer_problem(describe(error, NOW), "r")["body"])
    assert (document["status"], document["platform_code"], document["platform_status"]) == (
        422,
        "1010040",
        None,
    )
    assert "mode" in document["meaning"]
    assert document["remedy"] == "Use an application of the right mode."


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("b", "The number in b already stands on this X"),
        ("anyone", "everybody who dials it"),
        ("extension", "The extension leads to somebody else"),
    ],
)
def test_a_conflict_says_what_is_taken(field: str, said: str) -> None:
    document = json.loads(answer_problem(describe(errors.PartyConflict(field), NOW), "r")["body"])
    assert document["field"] == field
    assert said in document["detail"]


def test_a_person_with_five_x_is_told_to_release_one() -> None:
    """C-161, ax.md §1: 1011003."""
    error = errors.PoolEmpty(PoolReason.PERSON_LIMIT)
    document = json.loads(answer_problem(describe(error, NOW), "r")["body"])
    assert (document["status"], document["reason"]) == (503, "person_limit")
    assert document["remedy"].startswith("Release a binding of this person")


def test_the_end_of_a_pause_is_told_in_whole_seconds_and_never_less_than_one() -> None:
    cause = refusal(403, "1010010")
    for left, told in ((90.2, "91"), (0.0, "1"), (-5.0, "1")):
        error = errors.PlatformPaused(NOW + timedelta(seconds=left), cause)
        assert answer_problem(describe(error, NOW), "r")["headers"]["retry-after"] == told


def test_a_pause_without_end_has_the_usual_length_of_its_reason() -> None:
    error = errors.PlatformPaused(None, refusal(403, "1010029"))
    assert answer_problem(describe(error, NOW), "r")["headers"]["retry-after"] == "600"


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.OK])
def test_no_outcome_of_the_platform_is_an_internal_error(outcome: Outcome) -> None:
    error = refusal()
    error.outcome = outcome
    assert KINDS[describe(error, NOW).kind].status in (502, 503)


def test_what_was_certainly_not_sent_may_be_repeated() -> None:
    response = answer_problem(describe(NotSent("axb.bind", "No connection"), NOW), "r")
    document = json.loads(response["body"])
    assert (response["statusCode"], document["reason"], document["platform_code"]) == (
        503,
        "out-of-reach",
        None,
    )


def test_a_budget_that_is_used_up_is_flow_control_and_not_out_of_reach() -> None:
    """auth.md §11: we spare the platform what it would refuse."""
    free = NOW + timedelta(seconds=3)
    full = NotSent("axb.bind", "No turn", until=free, outcome=Outcome.FLOW)
    response = answer_problem(describe(errors.PlatformPaused(free, full), NOW), "r")
    assert (json.loads(response["body"])["reason"], response["headers"]["retry-after"]) == (
        "flow-control",
        "3",
    )


def test_a_number_that_slips_into_a_problem_is_masked_at_last() -> None:
    error = errors.InvalidRequest("a", f"{A} is not allowed")
    body = answer_problem(describe(error, NOW), "r")["body"]
    assert "+86138****8001" in body
    assert not any(number in body for number in PEOPLE)


def test_an_unknown_error_says_nothing_of_itself() -> None:
    assert "secret" not in answer_problem(describe(RuntimeError("secret"), NOW), "r")["body"]
