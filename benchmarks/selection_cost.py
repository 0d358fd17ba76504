"""What choosing an X and taking it costs, in pools of different size and load: it must not grow with either.

    python benchmarks/selection_cost.py [--sizes 10 1000 10000] [--large] [--json]

Runs the choice, and whole binds and releases of AX, on DynamoDB Local (Amazon's own engine), and prints their
capacity units. The platform is a stub that says yes. The pool is measured empty and nearly full; a bind of AX
fills its number. ``--large``, or BENCH_LARGE in the environment, adds a pool of 100,000, loaded past the
engine and used through it. Exit code 1 when anything costs more than twice as much in the largest pool as in
the smallest. DynamoDB Local counts index entries of a transaction twice (docs/data-model.md).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any, cast

from builders.bindings import APPLICATION, active_number, command, demo_application, within
from builders.dynamodb import Table, new_table
from builders.keyrings import KEYRING
from builders.loading import loaded
from builders.metering import Meter, engine, fill
from privatenumber.bindings.choose import Wish, choose
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.gateway import Bound, Gateway
from privatenumber.bindings.model import Binding
from privatenumber.bindings.rules import RULES
from privatenumber.bindings.service import BindingService
from privatenumber.deadline import Deadline
from privatenumber.settings import Mode
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.numbers import NumberStore, city_key, number_key, pool_key, rank_of
from privatenumber.times import utc_now

CHOICES = 50
BINDS = 20
LARGE = 100_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Units on average: of a choice (also at worst, and its requests), of a bind, and of a release."""

    numbers: int
    load: str
    choice: float
    worst: float
    requests: float
    bind_reads: float
    bind_writes: float
    release_reads: float
    release_writes: float


class WillingPlatform:
    """Binds and unbinds whatever is asked for."""

    application = demo_application("http://127.0.0.1", Mode.AX)

    def bind(self, binding: Binding, life_s: int | None, *, deadline: Deadline) -> Bound:
        """Bind."""
        return Bound(f"id-{binding.id}", binding.x)

    def unbind(self, binding: Binding, *, deadline: Deadline) -> None:
        """Unbind."""


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
    """Choose, bind and release often, and tell what one of each costs."""
    numbers = NumberStore(table.client, table.name)
    wish = Wish(APPLICATION, "0755", capacity=RULES[Mode.AX].capacity)
    choices: list[float] = []
    requests: list[int] = []
    for seed in range(CHOICES):
        meter.reset()
        choose(numbers, wish, taken=frozenset(), random=random.Random(seed))  # noqa: S311 - repeatable
        choices.append(meter.units)
        requests.append(meter.requests)
    return Cost(size, load, _mean(choices), max(choices), _mean(requests), *_lives(table, meter, numbers))


def _lives(table: Table, meter: Meter, numbers: NumberStore) -> tuple[float, float, float, float]:
    """Read and write units of a bind, then those of its release."""
    engine_of_bindings = Engine(
        store=BindingStore(table.client, table.name),
        search=BindingSearch(table.client, table.name),
        numbers=numbers,
        platforms=lambda application: cast(Gateway, WillingPlatform()),
        keyring=KEYRING,
        clock=utc_now,
    )
    service = BindingService(engine_of_bindings)
    costs: list[tuple[float, float, float, float]] = []
    for n in range(BINDS):
        meter.reset()
        asked = command(f"order-{n}", Mode.AX, area="0755")
        binding = service.bind(asked, deadline=within()).binding
        bound = (meter.reads, meter.writes)
        meter.reset()
        service.release(binding.id, deadline=within())
        costs.append((*bound, meter.reads, meter.writes))
    bind_reads, bind_writes, release_reads, release_writes = map(_mean, zip(*costs, strict=True))
    return bind_reads, bind_writes, release_reads, release_writes


def _mean(values: Iterable[float]) -> float:
    return round(mean(values), 2)


def main() -> int:
    """Measure every size and load; 1 when the cost follows the size."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--sizes", nargs="+", type=int, default=[10, 1000, 10_000])
    arguments.add_argument("--large", action="store_true", default=bool(os.environ.get("BENCH_LARGE")))
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    costs = []
    with engine() as (client, meter):
        for size in asked.sizes:
            for load, full in _loads(size):
                print(f"filling a pool of {size} ({load}) ...", file=sys.stderr)
                table = new_table(client)
                fill(table, pool(size, full=full))
                costs.append(measure(table, meter, size, load))
                client.delete_table(TableName=table.name)
    for load, full in _loads(LARGE) if asked.large else ():
        print(f"loading a pool of {LARGE} ({load}) ...", file=sys.stderr)
        with loaded(pool(LARGE, full=full)) as (table, meter):
            costs.append(measure(table, meter, LARGE, load))
    if asked.json:
        print(json.dumps([asdict(cost) for cost in costs]))
    else:
        print(_HEAD)
        for one in costs:
            choice = f"{one.choice:>7} {one.worst:>9} {one.requests:>9}"
            life = f"{one.bind_reads:>6} + {one.bind_writes:<6} {one.release_reads:>8} + {one.release_writes}"
            print(f"{one.numbers:>9}  {one.load:<10} {choice}  {life}")
    return int(any(map(_grows, zip(*map(_figures, (costs[0], costs[-2])), strict=True))))


def _loads(size: int) -> tuple[tuple[str, int], ...]:
    """Names of loads, and how many numbers have no room."""
    return (("empty", 0), ("99 % full", size - max(1, size // 100)))


_HEAD = "X numbers  load        choice  at worst  requests  bind: R + W      release: R + W"


def _figures(cost: Cost) -> tuple[float, ...]:
    return (cost.choice, cost.bind_reads, cost.bind_writes, cost.release_reads, cost.release_writes)


def _grows(pair: tuple[float, float]) -> bool:
    smallest, largest = pair
    return largest > 2 * smallest


if __name__ == "__main__":
    sys.exit(main())
