"""What happened to a call or a text, in the order a support person wants to know it (cause-codes.md §5).

Pure: a case in, findings out, the heaviest first. Rules look at one thing each, unaware of each other;
the table `codes.situations` says what each finding means and how heavy it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from privatenumber.calls import (
    diagnosis_belonging,
    diagnosis_causes,
    diagnosis_records,
    diagnosis_rules,
    diagnosis_sms,
)
from privatenumber.calls.diagnosis_case import CallCase, SmsCase
from privatenumber.calls.diagnosis_model import Diagnosis, Finding
from privatenumber.calls.diagnosis_numbers import impaired
from privatenumber.calls.diagnosis_words import CALL

__all__ = ["diagnose", "diagnose_sms"]

#: The number explains these itself.
_OF_NUMBER = frozenset({"number.suspended", "number.unavailable", "number.unknown_state", "account.frozen"})


def diagnose(case: CallCase) -> tuple[Diagnosis, ...]:
    """Every finding about a call."""
    return _ordered(_of_call(case))


def diagnose_sms(case: SmsCase) -> tuple[Diagnosis, ...]:
    """Every finding about a text."""
    return _ordered((*diagnosis_sms.outcome(case), *diagnosis_sms.length(case)))


def _of_call(case: CallCase) -> Iterator[Finding]:
    causes = tuple(diagnosis_causes.caused(case))
    yield from causes
    if case.answered_at is None and not any(cause.situation in _OF_NUMBER for cause in causes):
        yield from impaired(case.around, CALL)
    yield from diagnosis_causes.said_by_carrier(case)
    yield from diagnosis_records.ended(case)
    yield from diagnosis_records.undelivered(case)
    yield from diagnosis_records.contradicting(case)
    yield from diagnosis_belonging.doubled(case)
    yield from diagnosis_belonging.misplaced(case)
    yield from diagnosis_belonging.retyped(case)
    yield from diagnosis_rules.met(case)


def _ordered(findings: Iterable[Finding]) -> tuple[Diagnosis, ...]:
    """Findings as they are told; those of one weight keep the order in which they were found."""
    told = (finding.told() for finding in findings)
    return tuple(sorted(told, key=lambda diagnosis: -diagnosis.weight))
