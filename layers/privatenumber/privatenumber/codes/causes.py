"""Why calls ended and what became of texts, in our own words (cause-codes.md).

The tables are data next to this module: adding a row needs no code. No cause alone ever changes a binding,
and whether a call was connected is decided by its answer time, not by a code (cause-codes.md §2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from privatenumber.codes.texts import Texts, number_of, rows_of, texts_of, unknown

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. ``group`` says who can act (cause-codes.md §3), empty where the table has no groups.

    ``charged`` is ``yes``, ``no`` or ``partly`` for SMS results and empty for calls; ``repeatable`` says
    whether a text may be sent again once the cause is removed.
    """

    code: int | None
    group: str
    texts: Texts
    charged: str = ""
    repeatable: bool = False

    @property
    def known(self) -> bool:
        """Whether the code is in our tables."""
        return self.group != UNKNOWN

    @property
    def meaning(self) -> str:
        """What it means, in English: for the wire and for logs."""
        return self.texts.meaning.en

    @property
    def likely_cause(self) -> str:
        """What usually causes it, in English."""
        return self.texts.cause.en

    @property
    def what_to_do(self) -> str:
        """What to do about it, in English."""
        return self.texts.remedy.en


def hangup(code: int | str | None) -> Cause:
    """The cause of a ``stateCode``. Absent and unknown codes are a Cause too, of group ``unknown``."""
    return _find("calls.csv", code)


def teardown(code: int | str | None) -> Cause:
    """The cause of a ``ulFailReason``: one table with ``stateCode``, whose two lists agree in meaning."""
    return _find("calls.csv", code)


def hangups() -> tuple[Cause, ...]:
    """The platform's list of hang-up causes: what a ``stateCode`` may say."""
    listed = {row["code"] for row in rows_of("calls.csv") if row["lists"] == "both"}
    return tuple(cause for cause in teardowns() if str(cause.code) in listed)


def teardowns() -> tuple[Cause, ...]:
    """The platform's list of teardown points, what an ``ulFailReason`` may say: the longer list."""
    return tuple(_table("calls.csv").values())


def q850(code: int | str | None) -> Cause:
    """The meaning of ``fwdUnaswRsn`` and ``callOutUnaswRsn``; absent means not applicable, as 0 does."""
    return _find("q850.csv", 0 if code is None else code)


def q850_causes() -> tuple[Cause, ...]:
    """Every cause of the carriers (C-040)."""
    return tuple(_table("q850.csv").values())


def sms_result(code: int | str | None) -> Cause:
    """The meaning of ``sendResult``; a result of no table is not charged (cause-codes.md §6)."""
    found = _find("sms.csv", code)
    return found if found.known else Cause(found.code, found.group, found.texts, charged="no")


def sms_results() -> tuple[Cause, ...]:
    """Every result of a text (C-098)."""
    return tuple(_table("sms.csv").values())


def _find(table: str, code: int | str | None) -> Cause:
    number = number_of(code)
    found = None if number is None else _table(table).get(number)
    return found or Cause(number, UNKNOWN, unknown(code))


@cache
def _table(name: str) -> dict[int, Cause]:
    return {int(row["code"]): _cause(row) for row in rows_of(name)}


def _cause(row: Mapping[str, str]) -> Cause:
    return Cause(
        code=int(row["code"]),
        group=row.get("group", ""),
        texts=texts_of(row),
        charged=row.get("charged", ""),
        repeatable=row.get("repeatable") == "yes",
    )
