"""`python -m storm.soak --minutes 4`: the same day of business again and again, and whether functions grow.

Orders, calls, SMS and sweeps at a steady rate, without faults, on DynamoDB Local. Ends with 1 when memory of
the warm environments grows beyond its bounds, or when an invocation failed, which would prove nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from storm.growth import ALL, FRAMES, RESIDENT, Bounds, Growth, Sample, growing_sites, growths, second_half
from storm.orders import Order, orders_of
from storm.plan import DAY_S, Plan
from storm.run import tables_at

if TYPE_CHECKING:
    from storm.apart import Apart
    from storm.world import World

ORDERS: Final = 20
"""A day's, in all modes."""

WARM_UP: Final = 2
"""Days before the first sample that counts: every daily sweep has run twice."""

LEAST: Final = 6
ERRORS: Final = 5
MODULES: Final = 10
"""How many modules are shown, when none of them grows beyond its bound."""

BOUNDS: Final = Bounds(traced=32 * 1024, blocks=400, resident=2 * 1024 * 1024)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How long it is to last: so many cycles, or until so much processor time is used.

    ``frames`` says how much is traced; ``orders`` are those of a cycle, and the first ``warm_up`` cycles are
    not looked at.
    """

    seed: int
    cycles: int | None
    minutes: float
    frames: int = FRAMES
    orders: int = ORDERS
    warm_up: int = WARM_UP

    def enough(self, done: int, used_s: float) -> bool:
        """Whether it may end after so many cycles."""
        return done >= self.cycles if self.cycles else done >= LEAST and used_s >= self.minutes * 60


@dataclass(frozen=True)
class Soaked:
    """What was measured, and what failed."""

    samples: Sequence[Sample]
    invocations: dict[str, int]
    failed: dict[str, int]

    @property
    def growths(self) -> list[Growth]:
        """Everything that is judged."""
        return growths(self.samples, BOUNDS)

    @property
    def holds(self) -> bool:
        """Whether nothing grows beyond its bound, and every invocation was done."""
        return not self.failed and all(one.holds for one in self.growths)


def soak(wanted: Wanted, say: Say, dynamodb: str | None = None) -> Soaked:
    """Compose a world without faults and let it work. Turns the clocks of this process for good.

    ``dynamodb``: the address of a DynamoDB Local to use instead of one of its own.
    """
    plan = Plan(wanted.seed, wanted.orders, 1.0, ())
    with tables_at(dynamodb) as endpoint:
        # They import the layer, whose clocks `compose` has to turn first.
        from storm.apart import Apart
        from storm.composition import compose

        world = compose(plan, endpoint)
        gc.freeze()
        gc.set_threshold(200_000, 50, 50)
        apart = Apart(world, endpoint, wanted.frames)
        try:
            return asyncio.run(_work(world, apart, wanted, say))
        finally:
            apart.end()


async def _work(world: World, apart: Apart, wanted: Wanted, say: Say) -> Soaked:
    from storm.world import IDLE

    world.schedules.start(tuple(one for one in world.schedules.all if one.name not in IDLE))
    samples: list[Sample] = []
    say(f"{'cycle':>8} {'calls':>8} {'processor':>10} {'traced':>11} {'blocks':>8} {'resident':>10}")
    used_s, cycle = 0.0, 0
    while not wanted.enough(len(samples), used_s):
        world.business.play(day_of(world.plan, cycle))
        cycle += 1
        await world.emulator.scheduler.advance_to(world.plan.start + timedelta(days=cycle))
        sample = apart.sample()
        used_s = time.process_time() + sample.processor_s
        say(f"{cycle if cycle > wanted.warm_up else 'warm-up':>8} {_figures(sample, used_s)}")
        if cycle > wanted.warm_up:
            samples.append(sample)
    failed = {
        f"{name} {how}": count for (name, how), count in world.lambdas.outcomes.items() if how != "done"
    }
    failed |= {
        f"{name} logged {level}": count
        for (name, level), count in world.logs.levels.items()
        if level == "ERROR"
    }
    for line in [one for one in world.logs.tail if '"ERROR"' in one][-ERRORS:]:
        say(line)
    return Soaked(samples, dict(world.lambdas.invocations.most_common()), failed)


def day_of(plan: Plan, cycle: int) -> list[Order]:
    """The orders of a day; no two days have the same, each has as many."""
    numbers = range(cycle * plan.orders, (cycle + 1) * plan.orders)
    orders = orders_of(plan.with_orders(numbers))
    return [replace(order, at_s=order.at_s + cycle * DAY_S) for order in orders]


def _figures(sample: Sample, used_s: float) -> str:
    resident = "-" if sample.resident is None else f"{sample.resident / 2**20:.1f} MiB"
    traced, blocks = sum(sample.sizes.values()), sum(sample.blocks.values())
    return f"{sample.invocations:>8} {used_s:>8.1f} s {traced / 1024:>7.0f} KiB {blocks:>8} {resident:>10}"


def report(soaked: Soaked) -> str:
    """What was found, aligned."""
    later = second_half(soaked.samples)
    calls = later[-1].invocations - later[0].invocations
    lines = [f"growth in a thousand invocations, over the last {calls}:", ""]
    lines += [f"{'':48} {'now':>12} {'growth':>12} {'bound':>12}"]
    lines += [_line(one) for one in _shown(soaked.growths)]
    if not soaked.holds:
        lines += ["", "what grows most, in a thousand invocations:"]
        lines += [
            f"{found.per_thousand / 1024:>10.1f} KiB  {site}" for site, found in growing_sites(soaked.samples)
        ]
    lines += ["", *(f"FAILED {what}: {count}" for what, count in soaked.failed.items())]
    lines.append("steady" if soaked.holds else "NOT STEADY")
    return "\n".join(lines)


def _shown(found: Sequence[Growth]) -> list[Growth]:
    """What is judged of everything, and the modules that grew most."""
    whole = [one for one in found if one.what.startswith(ALL) or one.what == RESIDENT]
    modules = sorted((one for one in found if one not in whole), key=lambda one: -one.per_thousand)
    return [*whole, *(one for number, one in enumerate(modules) if number < MODULES or not one.holds)]


def _line(one: Growth) -> str:
    unit = "" if one.what.endswith("blocks") else " KiB"
    shown = [value / (1024 if unit else 1) for value in (one.last, one.per_thousand, one.bound)]
    figures = " ".join(f"{f'{value:,.1f}{unit}':>12}" for value in shown)
    return f"{one.what:48} {figures}  {'' if one.holds else 'GROWS'}".rstrip()


def document(soaked: Soaked) -> dict[str, Any]:
    """The same for machines."""
    return {
        "holds": soaked.holds,
        "growths": [{**asdict(one), "holds": one.holds} for one in soaked.growths],
        "growing_sites": [
            {**asdict(site), "per_thousand": found.per_thousand}
            for site, found in growing_sites(soaked.samples)
        ],
        "samples": [
            {
                "invocations": one.invocations,
                "processor_s": one.processor_s,
                "resident": one.resident,
                "modules": one.modules(),
            }
            for one in soaked.samples
        ],
        "invocations": soaked.invocations,
        "failed": soaked.failed,
    }


def main(arguments: list[str] | None = None) -> int:
    """Soak as long as was asked for; 0 when nothing grows."""
    parser = argparse.ArgumentParser(prog="storm.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0, help="processor time to use")
    parser.add_argument("--cycles", type=int, help="days to play after the warm-up, instead of minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=FRAMES, help="how far back allocations are traced")
    parser.add_argument("--json", action="store_true", help="the result as JSON; progress goes to stderr")
    given = parser.parse_args(arguments)
    if given.cycles is not None and given.cycles < LEAST:
        parser.error(f"at least {LEAST} cycles")
    out = sys.stdout

    def say(line: str) -> None:
        print(line, file=sys.stderr if given.json else out, flush=True)

    soaked = soak(Wanted(given.seed, given.cycles, given.minutes, given.frames), say)
    print(json.dumps(document(soaked), indent=1) if given.json else report(soaked), file=out, flush=True)
    return 0 if soaked.holds else 1


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts are walked in an order that depends on it, and a run is to be repeatable.
        command = [sys.executable, "-W", "ignore", "-m", "storm.soak", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    # Who is told to end has to end DynamoDB Local, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))
    raise SystemExit(main())
