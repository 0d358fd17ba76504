"""What choosing an X and taking it costs, in pools of different size and load: it must not grow with either.

    python benchmarks/selection_cost.py [--sizes 10 1000 100000] [--json]

Runs the binding engine on DynamoDB Local (Amazon's own engine) against the emulator, and prints capacity
units per bind: of the choice alone, and of the whole bind. The pool is measured empty and nearly full (AX,
where a bind fills a number). Exit code 1 when the choice costs more than twice as much in the largest pool
as in the smallest.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any

from builders.bindings import APPLICATION, active_number
from builders.dynamodb import Table, new_table
from builders.metering import Meter, engine, fill
from privatenumber.bindings.choose import Wish, choose
from privatenumber.bindings.rules import RULES
from privatenumber.settings import Mode
from privatenumber.store.numbers import NumberStore, city_key, number_key, pool_key, rank_of

CHOICES = 50


@dataclass(frozen=True, slots=True)
class Cost:
    """Read units of one choice, on average and at worst."""

    numbers: int
    load: str
    reads: float
    worst: float
    requests: float


def pool(size: int, *, full: int) -> Iterator[dict[str, Any]]:
    """Numbers as registrations and binds leave them, the first ``full`` of them without room."""
    return (_item(n, has_room=n >= full) for n in range(size))


def _item(n: int, *, has_room: bool) -> dict[str, Any]:
    number = active_number(f"+86170{n:08d}")
    keys = {"pool_key": pool_key(APPLICATION), "city_key": city_key(APPLICATION, number.area_code)}
    room = {"room_key": keys["pool_key"], "room_city": keys["city_key"]} if has_room else {}
    return {
        **number_key(number.x),
        **keys,
        **room,
        "x": number.x,
        "application": APPLICATION,
        "area_code": number.area_code,
        "number_type": number.number_type.value,
        "state": number.state.value,
        "pool_rank": rank_of(number.x),
        "revision": 1,
        "pairs": 0 if has_room else 1,
    }


def measure(table: Table, meter: Meter, size: int, load: str) -> Cost:
    """Choose often and tell what one choice reads."""
    numbers = NumberStore(table.client, table.name)
    wish = Wish(APPLICATION, "0755", capacity=RULES[Mode.AX].capacity)
    units, requests = [], []
    for seed in range(CHOICES):
        meter.reset()
        choose(numbers, wish, taken=frozenset(), random=random.Random(seed))  # noqa: S311 - repeatable
        units.append(meter.units)
        requests.append(meter.requests)
    return Cost(size, load, round(mean(units), 2), max(units), round(mean(requests), 2))


def main() -> int:
    """Measure every size and load; 1 when the cost follows the size."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--sizes", nargs="+", type=int, default=[10, 1000, 100_000])
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    costs = []
    with engine() as (client, meter):
        for size in asked.sizes:
            for load, full in (("empty", 0), ("99 % full", size - max(1, size // 100))):
                print(f"filling a pool of {size} ({load}) ...", file=sys.stderr)
                table = new_table(client)
                fill(table, pool(size, full=full))
                costs.append(measure(table, meter, size, load))
                client.delete_table(TableName=table.name)
    if asked.json:
        print(json.dumps([asdict(cost) for cost in costs]))
    else:
        print(f"{'X numbers':>10}  {'load':<10} {'read units':>10} {'at worst':>9} {'requests':>9}")
        for cost in costs:
            print(f"{cost.numbers:>10}  {cost.load:<10} {cost.reads:>10} {cost.worst:>9} {cost.requests:>9}")
    smallest, largest = costs[0], costs[-2]
    return int(largest.reads > 2 * smallest.reads)


if __name__ == "__main__":
    sys.exit(main())
