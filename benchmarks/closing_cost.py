"""What a day of calls costs until it is in a statement: rating, closing parts, merging day and month.

    python benchmarks/closing_cost.py [--calls 100000 | --cells 100000] [--json]

Facts are made up in memory, an eighth at a time, as a worker reads them; no table is asked. A package runs
out within the day, so the day is opened to its lines as well, which is the dearest a day can be. Exit code 1
when the month does not come to the sum of its calls.

With ``--cells`` a month of so many orders on days on which they were used is stated, of which a package pays
everything: how much memory that takes decides how large a month may be (`ledger.cells_in`).
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal

from builders.billing import C1, EXAMPLE_PRICES, INVENTORY, V1, V2, V3, cdr, utc
from privatenumber.billing.closing.allocation import Options
from privatenumber.billing.closing.cells import cells_of, merge_cells, read_cell
from privatenumber.billing.closing.days import ClosedDay, DayClose, PartRef
from privatenumber.billing.closing.lines import Belonging, Line, count_flags, read_line
from privatenumber.billing.closing.months import merge_month
from privatenumber.billing.closing.parts import Part, PartFacts, Terms, close_part
from privatenumber.billing.closing.statement import Rules, build_statement
from privatenumber.billing.rating.packages import quotas_of
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.store.fact_rows import SHARDS, CdrFact
from privatenumber.store.sms_rows import SmsFact
from privatenumber.store.versions import Version, canonical, content_hash, packed

DAY_START = utc("2026-09-01 16:00:00")
DAY = (DAY_START + timedelta(hours=8)).date()
CALLS_OF_AN_ORDER = 4
NUMBERS = (V1, V2, V3, C1)


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds of each step and the most memory the process ever had."""

    calls: int
    cells: int
    make_s: float
    rate_s: float
    merge_day_s: float
    merge_month_s: float
    state_s: float
    peak_mb: float

    @property
    def seconds(self) -> float:
        """Everything but making the facts up."""
        return self.rate_s + self.merge_day_s + self.merge_month_s + self.state_s

    @property
    def seconds_of_a_million(self) -> float:
        """The same for a million calls."""
        return self.seconds * 1_000_000 / self.calls


class Watch:
    """Adds up the time between its laps."""

    def __init__(self) -> None:
        self._since = time.process_time()

    def lap(self) -> float:
        """Seconds since the last one."""
        before, self._since = self._since, time.process_time()
        return self._since - before


def facts(shard: int, calls: int) -> Iterator[CdrFact]:
    """The calls of a shard, spread over the day and over orders of a few calls each."""
    for number in range(shard, calls, SHARDS):
        ended = DAY_START + timedelta(seconds=number * 86_399 // calls)
        order = number // CALLS_OF_AN_ORDER
        x = NUMBERS[order % len(NUMBERS)]
        yield cdr(
            None,
            None,
            icid=f"icid-{number}",
            subscription_id=f"sub-{order}",
            x=x,
            display_x=x,
            answered_at=ended - timedelta(seconds=number % 400),
            ended_at=ended,
            failed_at=None,
            received_at=ended,
        )


def whose(fact: CdrFact | SmsFact, x: str | None) -> Belonging:
    """Every subscription is an order of its own."""
    return Belonging(
        "AXB", "0755", "North", f"order-{fact.subscription_id}", f"binding-{fact.subscription_id}"
    )


def measure(calls: int) -> Cost:
    """Close a day in parts, then state a month that has no other day."""
    watch, terms = Watch(), Terms(EXAMPLE_PRICES, INVENTORY, whose)
    make_s = rate_s = merge_day_s = 0.0
    kept: list[list[bytes]] = []
    refs: list[PartRef] = []
    for shard in range(SHARDS):
        made = list(facts(shard, calls))
        make_s += watch.lap()
        close = close_part(Part("demo", DAY, shard), PartFacts(made), terms)
        lines = [line.document() for line in close.lines]
        found = content_hash(close.document(), lines)
        kept.append([canonical(line) for line in lines])
        refs.append(PartRef(shard, found, len(lines), count_flags(close.lines)))
        rate_s += watch.lap()

    def read(part: list[bytes]) -> Iterator[Line]:
        return (read_line(json.loads(line)) for line in part)

    cells = merge_cells(cell for part in kept for cell in cells_of(DAY, read(part)))
    day = DayClose("demo", DAY, tuple(refs), cells)
    head = Version("DAY", 1, day.hash(), day.document(), len(cells), DAY_START)
    merge_day_s += watch.lap()
    package = PackageOrder("order-1", utc("2026-08-20 00:00:00"), calls, 0, Decimal(38))
    usage = merge_month(cells, quotas_of([package]), lambda _: (line for part in kept for line in read(part)))
    if usage.opened != (DAY,):
        raise SystemExit("the package does not run out within the day: nothing was opened")
    merge_month_s = watch.lap()
    rules = Rules(EXAMPLE_PRICES, {}, {}, Options())
    statement = build_statement(
        "2026-09", [ClosedDay(day, head)], usage, rules, rents=(), cost_month_rents=()
    )
    told = statement.document()
    packed(told, statement.lines())
    state_s = watch.lap()
    if told["calls"]["attempts"] != calls or told["calls"]["package_minutes"] != package.minutes:
        raise SystemExit("the month does not come to the sum of its calls")
    return Cost(calls, len(cells), make_s, rate_s, merge_day_s, merge_month_s, state_s, _peak_mb())


@dataclass(frozen=True, slots=True)
class Month:
    """What it takes to state a month out of the cells of its days, in a process that does nothing else."""

    cells: int
    seconds: float
    idle_mb: float
    peak_mb: float

    @property
    def mb_of_100_000(self) -> float:
        """Memory for every 100,000 cells."""
        return (self.peak_mb - self.idle_mb) * 100_000 / self.cells


def state(count: int) -> Month:
    """State a month of cells as they are read from its days."""
    idle, days = _peak_mb(), [DAY + timedelta(days=at) for at in range(28)]
    stored = (
        {
            **{"day": days[number % len(days)].isoformat(), "application": "demo", "item": "call"},
            **{"x": NUMBERS[0][:-4] + f"{number % 2000:04d}", "number_type": "virtual", "mode": "AXB"},
            **{"city": "0755", "enterprise": "North", "side": "a", "unit_price": "0.10"},
            **{"order": f"order-{number}", "binding": f"binding-{number:032d}"},
            **{"records": 4, "count": 4, "successes": 3, "talk_seconds": 400, "units": 8},
        }
        for number in range(count)
    )
    cells = [read_cell(json.loads(canonical(each))) for each in stored]
    watch = Watch()
    closes = []
    for day in days:
        close = DayClose("demo", day, (), tuple(cell for cell in cells if cell.day == day))
        closes.append(ClosedDay(close, Version("DAY", 1, "hash", {}, len(close.cells), DAY_START)))
    package = PackageOrder("order-1", utc("2026-08-20 00:00:00"), 8 * count, 0, Decimal(38))
    usage = merge_month(cells, quotas_of([package]), lambda _: ())
    del cells
    rules = Rules(EXAMPLE_PRICES, {}, {}, Options())
    made = build_statement("2026-09", closes, usage, rules, rents=(), cost_month_rents=())
    content = packed(told := made.document(), made.lines())
    if told["calls"]["package_minutes"] != 8 * count or content.lines < count:
        raise SystemExit("the month does not come to the sum of its cells")
    return Month(count, watch.lap(), idle, _peak_mb())


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.cells:
        month = state(given.cells)
        if given.json:
            print(json.dumps({**asdict(month), "mb_of_100_000": month.mb_of_100_000}))
        else:
            print(f"stating a month of {month.cells:,} cells, one core: {month.seconds:.1f} s,")
            print(f"  {month.mb_of_100_000:,.0f} MB for every 100,000 cells, {month.peak_mb:,.0f} MB at most")
        return 0
    cost = measure(given.calls)
    if given.json:
        print(json.dumps({**asdict(cost), "seconds_of_a_million": cost.seconds_of_a_million}))
        return 0
    print(f"closing a day of {cost.calls:,} calls, {cost.cells:,} cells, one core:")
    for name, seconds in (
        ("rate and close 8 parts", cost.rate_s),
        ("merge the day", cost.merge_day_s),
        ("merge the month, line by line", cost.merge_month_s),
        ("state it, with all shares", cost.state_s),
    ):
        print(f"  {name:<32}{seconds:7.1f} s {seconds * 1_000_000 / cost.calls:7.0f} s per million")
    print(f"  {'together':<32}{cost.seconds:7.1f} s {cost.seconds_of_a_million:7.0f} s per million")
    print(f"  most memory {cost.peak_mb:,.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
