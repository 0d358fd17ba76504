"""The rules of an application as the secret tells them (users.md U-S09, U-S10)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.pushes import asking
from privatenumber.applications import parse_applications
from privatenumber.call_policy import NO_RULES, CallPolicy, Limit, OrphanCalls, Within
from privatenumber.settings import SettingsError


def policy(rules: Any) -> CallPolicy:
    (application,) = parse_applications(json.dumps({"applications": [asking("X", rules=rules)]})).values()
    return application.rules


def test_everything_is_off_by_default() -> None:
    for found in (policy(None), policy({})):
        assert found == NO_RULES
        assert not found.governs(call=True)
        assert not found.governs(call=False)
        assert found.orphan_calls is OrphanCalls.LEAVE


def test_a_policy_is_read_as_it_is_written() -> None:
    found = policy(
        {
            "answers_per_day": 3,
            "answers_within": "binding",
            "calls_per_hour": 5,
            "calls_per_day": 20,
            "sms_per_minute": 1,
            "frequency_within": "x",
            "black_list": True,
            "orphan_calls": "reopen",
            "orphan_hours": 24,
            "reopen_within_minutes": 15,
            "reopen_minutes": 20,
        }
    )
    assert (found.answers_per_day, found.answers_within) == (3, Within.BINDING)
    assert found.call_limits == (Limit("calls_per_hour", 5, 3600), Limit("calls_per_day", 20, 86_400))
    assert found.sms_limits == (Limit("sms_per_minute", 1, 60),)
    assert (found.frequency_within, found.black_list) == (Within.X, True)
    assert (found.orphan_calls, found.orphan_hours) == (OrphanCalls.REOPEN, 24)
    assert (found.reopen_within_minutes, found.reopen_minutes) == (15, 20)


@pytest.mark.parametrize(
    ("rules", "call", "governs"),
    [
        ({"answers_per_day": 1}, True, True),
        ({"answers_per_day": 1}, False, False),
        ({"calls_per_day": 1}, True, True),
        ({"sms_per_day": 1}, True, False),
        ({"sms_per_day": 1}, False, True),
        ({"black_list": True}, False, True),
        ({"orphan_calls": "notify"}, True, False),
    ],
)
def test_only_what_a_rule_may_end_is_looked_at(rules: dict[str, Any], call: bool, governs: bool) -> None:
    assert policy(rules).governs(call=call) is governs


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ([], "rules: must be an object"),
        ({"answers_per_day": 201}, "answers_per_day"),
        ({"calls_per_hour": -1}, "calls_per_hour"),
        ({"sms_per_day": True}, "sms_per_day"),
        ({"answers_within": "order"}, "answers_within"),
        ({"frequency_within": "binding"}, "frequency_within"),
        ({"frequency_within": ["x"]}, "frequency_within"),
        ({"black_list": "yes"}, "black_list"),
        ({"orphan_calls": "call"}, "orphan_calls"),
        ({"orphan_hours": 0}, "orphan_hours"),
        ({"reopen_within_minutes": 0}, "reopen_within_minutes"),
        ({"reopen_minutes": 10081}, "reopen_minutes"),
        ({"calls_per_hours": 5}, "no rule"),
    ],
)
def test_a_rule_that_makes_no_sense_is_named(rules: Any, named: str) -> None:
    """Also one that is misspelt: a limit that silently does not hold is worse than none."""
    with pytest.raises(SettingsError, match=named):
        policy(rules)
