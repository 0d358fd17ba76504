"""Which row of the platform's detail export is which CDR of ours (billing-rules.md §9.3, calls I1 ↔ I4).

1. the record id is the CDR's icid; 2. the record id is its sessionId; 3. X and caller agree and the ends lie
within two seconds: the nearest end wins, then the equal binding id. Each row and each CDR matches once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from privatenumber.billing.closing.lines import CallLine
from privatenumber.billing.rating.calls import billed_minutes
from privatenumber.billing.reconciliation.exports_in import ImportedCall
from privatenumber.privacy import is_pseudonym

END_TOLERANCE_S: Final = 2

Tokens: TypeAlias = Callable[[str, str], str]
"""The token of a value, by value and purpose (``number``, ``session``), as stored facts carry it."""

CallerOf: TypeAlias = Callable[[CallLine], str | None]
"""The real caller of a CDR, for rows that hide digits; ``None`` when nobody can open it any more."""


class Rule(StrEnum):
    """Which rule found a pair."""

    RECORD_ID = "record_id"
    SESSION = "session"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Pair:
    """A row and the CDR that tells of the same call."""

    row: ImportedCall
    line: CallLine
    rule: Rule


@dataclass(frozen=True, slots=True)
class Matching:
    """The pairs, and what stands alone on either side, in the order given."""

    pairs: tuple[Pair, ...]
    rows: tuple[ImportedCall, ...]
    lines: tuple[CallLine, ...]


def row_talk_seconds(row: ImportedCall) -> int:
    """Talk seconds that a row states, by its times or its duration; 0 when it was not answered."""
    if row.answered_at is not None:
        return max(int(row.ended_at.timestamp()) - int(row.answered_at.timestamp()), 0)
    return row.duration_s or 0


def row_minutes(row: ImportedCall) -> int:
    """Minutes that the platform bills for a row: its own figure, else by our rule."""
    if row.billed_minutes is not None:
        return row.billed_minutes
    if row.answered_at is None and not row.duration_s:
        return 0
    return billed_minutes(row_talk_seconds(row))


def match_calls(
    rows: Sequence[ImportedCall], lines: Iterable[CallLine], *, tokens: Tokens, caller_of: CallerOf
) -> Matching:
    """Pair the rows with rated CDRs. The result does not depend on the order of either side."""
    rows_left = {row.line: row for row in rows}
    lines_left = {line.fact: line for line in lines}
    pairs: list[Pair] = []
    for rule, candidates in (
        (Rule.RECORD_ID, _by_icid),
        (Rule.SESSION, lambda rows, lines: _by_session(rows, lines, tokens)),
        (Rule.TIME, lambda rows, lines: _by_time(rows, lines, tokens, caller_of)),
    ):
        for _, row_number, fact in sorted(candidates(rows_left, lines_left)):
            if row_number in rows_left and fact in lines_left:
                pairs.append(Pair(rows_left.pop(row_number), lines_left.pop(fact), rule))
    return Matching(tuple(pairs), tuple(rows_left.values()), tuple(lines_left.values()))


_Rank: TypeAlias = tuple[float, ...]
_Candidate: TypeAlias = tuple[_Rank, int, str]


def _by_icid(rows: Mapping[int, ImportedCall], lines: Mapping[str, CallLine]) -> list[_Candidate]:
    facts = {line.icid: fact for fact, line in sorted(lines.items(), reverse=True) if line.icid}
    return [((), number, facts[row.record_id]) for number, row in rows.items() if row.record_id in facts]


def _by_session(
    rows: Mapping[int, ImportedCall], lines: Mapping[str, CallLine], tokens: Tokens
) -> list[_Candidate]:
    facts: dict[str, list[str]] = defaultdict(list)
    for fact, line in lines.items():
        if line.session is not None:
            facts[line.session].append(fact)
    return [
        ((_apart(row, lines[fact]),), number, fact)
        for number, row in rows.items()
        if row.record_id is not None
        for fact in facts.get(tokens(row.record_id, "session"), ())
    ]


def _by_time(
    rows: Mapping[int, ImportedCall], lines: Mapping[str, CallLine], tokens: Tokens, caller_of: CallerOf
) -> list[_Candidate]:
    at_second: dict[int, list[str]] = defaultdict(list)
    for fact, line in lines.items():
        at_second[int(line.at.timestamp())].append(fact)
    found: list[_Candidate] = []
    for number, row in rows.items():
        second = int(row.ended_at.timestamp())
        near = range(second - END_TOLERANCE_S, second + END_TOLERANCE_S + 1)
        for fact in (fact for moment in near for fact in at_second.get(moment, ())):
            line = lines[fact]
            fits = row.x.matches(line.x) and _caller_fits(row, line, tokens, caller_of)
            if fits:
                other_binding = row.binding_id != line.subscription_id
                found.append(((_apart(row, line), float(other_binding)), number, fact))
    return found


def _caller_fits(row: ImportedCall, line: CallLine, tokens: Tokens, caller_of: CallerOf) -> bool:
    if line.caller is None or is_pseudonym(line.caller):
        return True
    if not row.caller.masked:
        return tokens(row.caller.text, "number") == line.caller
    number = caller_of(line)
    # A caller who was erased cannot be compared any more; X and end time still can.
    return number is None or row.caller.matches(number)


def _apart(row: ImportedCall, line: CallLine) -> float:
    return abs((row.ended_at - line.at).total_seconds())
