"""Why calls ended and what became of texts, in our own words (cause-codes.md).

The tables are data next to this module: adding a row needs no code. No cause alone ever changes a binding,
and whether a call was connected is decided by its answer time, not by a code (cause-codes.md §2).
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. ``group`` says who can act (cause-codes.md §3), empty where the table has no groups.

    ``charged`` is ``yes``, ``no`` or ``partly`` for SMS results and empty for calls.
    """

    code: int | None
    group: str
    meaning: str
    likely_cause: str = ""
    what_to_do: str = ""
    charged: str = ""


def hangup(code: int | str | None) -> Cause:
    """The cause of a ``stateCode``. Absent and unknown codes are a Cause too, of group ``unknown``."""
    return _find("calls.csv", code)


def teardown(code: int | str | None) -> Cause:
    """The cause of a ``ulFailReason``: one table with ``stateCode``, whose two lists agree in meaning."""
    return _find("calls.csv", code)


def q850(code: int | str | None) -> Cause:
    """The meaning of ``fwdUnaswRsn`` and ``callOutUnaswRsn``; absent means not applicable, as 0 does."""
    return _find("q850.csv", 0 if code is None else code)


def sms_result(code: int | str | None) -> Cause:
    """The meaning of ``sendResult``; a result of no table is not charged (cause-codes.md §6)."""
    found = _find("sms.csv", code)
    return found if found.charged else Cause(found.code, found.group, found.meaning, charged="no")


def _find(table: str, code: int | str | None) -> Cause:
    number = _number(code)
    if number is None:
        return Cause(None, UNKNOWN, "no code" if code is None else "unreadable code")
    return _table(table).get(number) or Cause(number, UNKNOWN, f"unknown code {number}")


def _number(code: int | str | None) -> int | None:
    """The code as a number; codes arrive as both. Longer texts are something else and are not repeated."""
    text = str(code).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


@cache
def _table(name: str) -> dict[int, Cause]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as rows:
        return {
            int(row["code"]): Cause(
                code=int(row["code"]),
                group=row.get("group", ""),
                meaning=row["meaning"],
                likely_cause=row.get("likely_cause", ""),
                what_to_do=row.get("what_to_do", ""),
                charged=row.get("charged", ""),
            )
            for row in csv.DictReader(rows)
        }
