"""Write docs/diagnosis.md: every situation that a call or text is explained by, in both languages.

The table is `codes/situations.csv` of the layer. `python docs/make_diagnosis.py` rewrites the page; with
`--check` it exits 1 when the page is not what the table says.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "diagnosis.md"
TABLE = ROOT / "layers/privatenumber/privatenumber/codes/situations.csv"
INTRO = """# Diagnosis

Why a call failed or surprised, as a support person can read it to a customer.
`calls/diagnosis/explaining.py` reads what is known of a call (its events and CDRs, our answer, rules that it
broke, the bindings of the caller and of X with their audit, states of X, pauses, other calls of the same
caller), `calls/diagnosis/diagnose.py` names what it means. Reads are bounded: 13 to 21 requests and 3 to 20
read units for one call, whatever the tables hold.

A call has several findings, the heaviest first. Each has texts in English and Chinese, evidence (what was
found, and in which record), a next step, who can act, and how sure it is: `certain` when the records say it
themselves, `likely` when it follows from ours and the platform's together, `possible` when something else
might fit. What rests on a binding whose audit was not read back to the moment is `likely` at most. Times are
told in Beijing time, with the zone. Nobody's number is told: people are named by their role, X stands in
clear.

What a code alone says is told in the words of its row (`codes/calls.csv`, `q850.csv`, `sms.csv`): every
hang-up cause, teardown point, Q.850 cause and SMS result has texts of its own. The platform's own cause is
always among the evidence.

**Weight** orders the findings. **Proof** says how a situation is tested: `emulator` = the emulated platform
produces the call, its pushes go through the real ingestion, and the finding is asserted
(`tests/contract/test_diagnosis_from_emulator.py`); otherwise it is built from facts
(`tests/unit/calls/test_diagnosis.py`), for the reason given. Words in braces are filled from what was
found.

This page is written by `python docs/make_diagnosis.py`; a test keeps it true.
"""
_TEMPORARY = ("never_set", "expired", "used", "set_late", "not_at_platform")
GROUPS = (
    ("Bindings at that moment", ("binding", "direction", "landline")),
    ("Temporary callee and X of AX", (*(f"callee.{how}" for how in _TEMPORARY), "x.en", "x.sw")),
    ("Extensions and call-back", ("extension", "callback", "x")),
    ("AXYB", ("axyb",)),
    ("Our answers in X mode", ("answer.no", "answer.un", "answer.tone")),
    ("Number and account", ("number", "account")),
    (
        "Callee, caller, carrier, platform",
        ("callee", "caller", "carrier", "limit", "display", "tone", "cause"),
    ),
    ("Our own rules", ("rule",)),
    (
        "Records",
        ("call", "redial", "answer", "answered", "subscription", "codes", "times", "clock", "record"),
    ),
    ("Delivery", ("events", "cdr", "end", "push", "recording", "roles")),
    ("SMS", ("sms",)),
)
"""Title -> beginnings of ids; the first that fits counts."""


def situations() -> list[Mapping[str, str]]:
    """Return the rows of the table, in its order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def group_of(identity: str) -> str:
    """Return the title under which a situation stands. StopIteration: none."""
    return next(
        title
        for title, starts in GROUPS
        if any(identity.startswith(start if "." in start else f"{start}.") for start in starts)
    )


def section(title: str, rows: list[Mapping[str, str]]) -> Iterator[str]:
    """Yield the lines of a group."""
    yield from (f"## {title}", "")
    for row in rows:
        facts = (
            f"weight {row['weight']}",
            row["severity"],
            f"acts: {row['acts']}",
            f"topics: {', '.join(row['checklist'].split())}",
            f"proof: {row['proof']}",
        )
        yield from (f"### `{row['id']}`", "", "; ".join(facts), "")
        yield from ("| | English | 中文 |", "|---|---|---|")
        for name, column in (("title", "title"), ("explanation", "says"), ("next step", "next")):
            yield f"| {name} | {row[f'{column}_en']} | {row[f'{column}_zh']} |"
        yield ""


def page() -> str:
    """Return the text of docs/diagnosis.md as the table says it should be."""
    rows = situations()
    lines = [INTRO]
    for title, _ in GROUPS:
        lines += section(title, [row for row in rows if group_of(row["id"]) == title])
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write the page, or check it."""
    text = page()
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
