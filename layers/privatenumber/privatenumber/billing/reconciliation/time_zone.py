"""A file that follows another clock is one cause, not a month of missing rows (billing-rules.md §9.2, §9.3).

The provider's times are Beijing times, its pushes are UTC: a file that was written in the wrong one of them
differs from our records by eight hours throughout.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.billing.reconciliation.layouts import Layout
from privatenumber.billing.reconciliation.tables import Tables
from privatenumber.billing.reconciliation.workbench import Workbench

_HOURS: Final = 8
_HOUR_MS: Final = 3_600_000
_SAMPLE: Final = 400


_PAIRED: Final = """
SELECT sum(abs(l.{time} - r.{time}) <= {near}),
  sum(abs(l.{time} - r.{time} - :ahead) <= {near}),
  sum(abs(l.{time} - r.{time} + :ahead) <= {near})
FROM {pairs} p CROSS JOIN {rows} r ON r.n = p.row CROSS JOIN {lines} l ON l.n = p.line
WHERE r.file = :file
"""

_SAMPLED: Final = """
SELECT count(*) FROM (SELECT n FROM {rows} WHERE file = :file AND n % :step = 0) s
CROSS JOIN {rows} r ON r.n = s.n CROSS JOIN {names} m ON m.n = r.n
WHERE EXISTS (SELECT 1 FROM {lines} l WHERE l.x = r.x
  AND l.{time} BETWEEN r.{time} + :shift - {near} AND r.{time} + :shift + {near}
  AND (l.{person} = m.{person} OR instr(m.{person}, '*')))
"""


def shift_of(bench: Workbench, tables: Tables, *, file: int) -> int:
    """Hours by which a file's clock has to be moved to agree with our records: 0, 8 or -8.

    Rows that an id has matched tell it for sure; of a file without ids a sample does.
    """
    ahead = _HOURS * _HOUR_MS
    equal, later, earlier = bench.named(tables.sql(_PAIRED), file=file, ahead=ahead)
    if equal is not None:
        return _judged(equal, later, earlier)
    count = bench.one(tables.sql("SELECT count(*) FROM {rows} WHERE file = ?"), file)
    if not count:
        return 0
    bench.do(tables.sql("CREATE INDEX IF NOT EXISTS {lines}_x ON {lines} (x, {time})"))
    step = max(1, count // _SAMPLE)
    sampled = tables.sql(_SAMPLED)
    found = [bench.named(sampled, file=file, step=step, shift=shift)[0] for shift in (0, ahead, -ahead)]
    return _judged(*found) if 2 * max(found) > count // step else 0


def _judged(equal: int, later: int, earlier: int) -> int:
    """The shift that most rows speak for."""
    most = max(equal, later, earlier)
    if equal == most:
        return 0
    return _HOURS if later == most else -_HOURS


def move(bench: Workbench, tables: Tables, hours: int, *, file: int) -> int:
    """Move the times of a file; says how many rows it has."""
    moved = ", ".join(f"{column} = {column} + {hours * _HOUR_MS}" for column in tables.clocks)
    return bench.do(tables.sql("UPDATE {rows} SET {moved} WHERE file = ?", moved=moved), file)


def moved(layout: Layout, hours: int, rows: int) -> Difference:
    """The difference that a file on another clock is, and the mapping that reads it as it is meant."""
    meant = "UTC" if hours > 0 else "Asia/Shanghai"
    fits = meant != layout.zone_name
    return Difference(
        kind=Kind.TIME_ZONE,
        cause=f"the times of the {layout.name} file are {abs(hours)} hours "
        f"{'behind' if hours > 0 else 'ahead of'} our records throughout, read as {layout.zone_name}; "
        "compared after moving them",
        action=f"map the file with timezone {meant} and run again"
        if fits
        else "export it anew in Beijing time and look at the times of both",
        amount=Decimal(0),
        quantity=Decimal(0),
        evidence={
            "file": layout.name,
            "rows": rows,
            "hours": hours,
            **({"mapping": {layout.name: {"timezone": meant}}} if fits else {}),
        },
    )
