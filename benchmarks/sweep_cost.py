"""What the minute sweep reads: it must follow what is due, not what there is.

    python benchmarks/sweep_cost.py [--bindings 2000 10000] [--due 0 1000] [--large] [--json]

Runs the sweep on DynamoDB Local over so many living bindings of which so many are due, and prints read units
and requests. Exit code 1 when the same number of due bindings costs more in the largest table than in the
smallest. ``--large``, or BENCH_LARGE in the environment, adds a million bindings, loaded past the engine and
read through it: some minutes. Bindings hold what the index of due ones knows of them, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, islice
from typing import Any, cast

from builders.dynamodb import Table, new_table
from builders.loading import loaded
from builders.metering import Meter, engine, fill
from privatenumber.bindings.sweep import sweep
from privatenumber.store.binding_keys import DUE_SHARDS, binding_key, due_position, due_shard
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.queue import Sent, Work, WorkQueue
from privatenumber.times import iso

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LIMIT = 2000
LARGE = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """One sweep."""

    bindings: int
    due: int
    read_units: float
    requests: int


class EmptyQueue:
    """Takes every message at no cost, so that only the table is measured."""

    def depth(self) -> int:
        """Nothing waits."""
        return 0

    def send(self, work: Iterable[Work]) -> Sent:
        """Count the messages."""
        return Sent(taken=sum(1 for _ in work), refused=0)


def living(bindings: int, at: datetime) -> Iterator[dict[str, Any]]:
    """What the index of due bindings knows of the first ``bindings``, all due at a moment."""
    for n in range(bindings):
        name = f"b{n:09d}"
        yield {
            **binding_key(name),
            "binding_id": name,
            "due_key": due_shard(n % DUE_SHARDS),
            "due_at": due_position(iso(at), name),
        }


def aged(bindings: int, due: int) -> Iterator[dict[str, Any]]:
    """The same, the first ``due`` of them due for a minute and the others in an hour."""
    later = islice(living(bindings, NOW + timedelta(hours=1)), due, None)
    return chain(living(due, NOW - timedelta(minutes=1)), later)


def measure(table: Table, meter: Meter, bindings: int, due: int) -> Cost:
    """Sweep once."""
    meter.reset()
    queue = cast(WorkQueue, EmptyQueue())
    swept = sweep(BindingSearch(table.client, table.name), queue, now=NOW, limit=LIMIT)
    if swept.taken != due:
        raise AssertionError(f"{swept.taken} of {due} were found")
    return Cost(bindings, due, meter.units, meter.requests)


def grows(costs: Sequence[Cost]) -> bool:
    """Whether the same due bindings cost more in a larger table."""
    by_due = sorted(costs, key=lambda cost: (cost.due, cost.bindings))
    groups = [list(group) for _, group in groupby(by_due, key=lambda cost: cost.due)]
    return any(group[-1].read_units > group[0].read_units for group in groups)


def main() -> int:
    """Measure every size; 1 when the cost follows it."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--bindings", nargs="+", type=int, default=[2000, 10_000])
    arguments.add_argument("--due", nargs="+", type=int, default=[0, 1000])
    arguments.add_argument("--large", action="store_true", default=bool(os.environ.get("BENCH_LARGE")))
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    costs = []
    with engine() as (client, meter):
        for bindings in asked.bindings:
            print(f"writing {bindings} bindings ...", file=sys.stderr)
            table = new_table(client)
            fill(table, living(bindings, NOW + timedelta(hours=1)))
            for due in sorted(asked.due):
                fill(table, living(due, NOW - timedelta(minutes=1)))
                costs.append(measure(table, meter, bindings, due))
            client.delete_table(TableName=table.name)
    for due in asked.due if asked.large else ():
        print(f"loading {LARGE} bindings, {due} of them due ...", file=sys.stderr)
        with loaded(aged(LARGE, due)) as (table, meter):
            costs.append(measure(table, meter, LARGE, due))
    if asked.json:
        print(json.dumps([asdict(cost) for cost in costs]))
    else:
        print(f"{'bindings':>10} {'due':>6} {'read units':>11} {'requests':>9}")
        for cost in costs:
            print(f"{cost.bindings:>10} {cost.due:>6} {cost.read_units:>11} {cost.requests:>9}")
    return int(grows(costs))


if __name__ == "__main__":
    sys.exit(main())
