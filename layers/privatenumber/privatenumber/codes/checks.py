"""What to check, and in which order, when the platform refuses a request (result-codes.md §8).

Arrears come before parameters are blamed, then application and X, then the form of the request
(C-036 to C-038).
"""

from dataclasses import dataclass
from functools import cache

from privatenumber.codes.texts import Text, rows_of


@dataclass(frozen=True, slots=True)
class Check:
    """One question to an operator and the codes that start there."""

    number: int
    codes: frozenset[str]
    text: Text


@cache
def all_checks() -> tuple[Check, ...]:
    """The whole list, in its order."""
    return tuple(
        Check(int(row["number"]), frozenset(row["codes"].split()), Text(row["check_en"], row["check_zh"]))
        for row in rows_of("checks.csv")
    )


def checks_for(code: str) -> tuple[Check, ...]:
    """The checks from the one at which a refusal with this code starts; none for a code of no check.

    What comes before has been ruled out by the platform itself: it looks at the account first, for instance.
    """
    checks = all_checks()
    start = next((at for at, check in enumerate(checks) if code in check.codes), len(checks))
    return checks[start:]
