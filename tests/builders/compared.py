"""Three calls of September 2026, and the rows of the console that list them."""

from __future__ import annotations

from builders.billing import V1, cdr, utc
from builders.exported import export_row

FACTS = [
    cdr("2026-09-02 01:00:08", "2026-09-02 01:01:10", icid="icid-a", session="s-a"),
    cdr("2026-09-03 01:00:00", "2026-09-03 01:03:01", icid="icid-b", session="s-b"),
    cdr(None, "2026-09-03 02:00:00", icid="icid-c", session="s-c", x=V1),
]
ROWS = [
    export_row("2026-09-02 09:00:08", "2026-09-02 09:01:10", icid="icid-a", billed_minutes="2"),
    export_row("2026-09-03 09:00:00", "2026-09-03 09:03:01", icid="icid-b", billed_minutes="4"),
    export_row("", "2026-09-03 10:00:00", icid="icid-c", x=V1, billed_minutes="0"),
]
AFTER = utc("2026-10-05 00:00:00")
