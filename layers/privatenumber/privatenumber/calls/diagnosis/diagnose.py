"""What happened to a call or a text, in the order a support person wants to know it (cause-codes.md §5).

Pure: a case in, findings out, the heaviest first. Rules look at one thing each, unaware of each other;
the table `codes.situations` says what each finding means and how heavy it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from privatenumber.calls.diagnosis import belonging, causes, records, rules, sms
from privatenumber.calls.diagnosis.case import Around, CallCase, SmsCase
from privatenumber.calls.diagnosis.model import Confidence, Diagnosis, Finding
from privatenumber.calls.diagnosis.numbers import impaired
from privatenumber.calls.diagnosis.words import CALL

__all__ = ["diagnose", "diagnose_sms"]

#: The number explains these itself.
_OF_NUMBER = frozenset({"number.suspended", "number.unavailable", "number.unknown_state", "account.frozen"})


def diagnose(case: CallCase) -> tuple[Diagnosis, ...]:
    """Every finding about a call."""
    return _ordered(_of_call(case), case.around)


def diagnose_sms(case: SmsCase) -> tuple[Diagnosis, ...]:
    """Every finding about a text."""
    return _ordered((*sms.outcome(case), *sms.length(case)), case.around)


def _of_call(case: CallCase) -> Iterator[Finding]:
    caused = tuple(causes.caused(case))
    yield from caused
    if case.answered_at is None and not any(cause.situation in _OF_NUMBER for cause in caused):
        yield from impaired(case.around, CALL)
    yield from causes.said_by_carrier(case)
    yield from records.ended(case)
    yield from records.undelivered(case)
    yield from records.contradicting(case)
    yield from belonging.doubled(case)
    yield from belonging.misplaced(case)
    yield from belonging.retyped(case)
    yield from rules.met(case)


def _ordered(findings: Iterable[Finding], around: Around) -> tuple[Diagnosis, ...]:
    """Findings as they are told; those of one weight keep the order in which they were found.

    What rests on a binding whose audit does not reach back to the moment is not certain.
    """
    unsure = {one.source for one in around.bindings if not one.rewound}
    told = (_doubted(finding, unsure).told() for finding in findings)
    return tuple(sorted(told, key=lambda diagnosis: -diagnosis.weight))


def _doubted(finding: Finding, unsure: set[str]) -> Finding:
    certain = finding.confidence is Confidence.CERTAIN
    if certain and any(evidence.source in unsure for evidence in finding.evidence):
        return replace(finding, confidence=Confidence.LIKELY)
    return finding
