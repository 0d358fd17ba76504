"""The business: orders in every mode, and what people do during them. Each order is drawn from its own seed,
so that a storm with fewer of them plays the rest exactly as before.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from storm.plan import DAY_S, MODES, Params, Plan

PEOPLE: Final = 240
BULK: Final = 11
BULK_FIRST: Final = 6
STRANGERS: Final = 40
_MIDNIGHT_S: Final = 16 * 3600.0
"""Midnight in Beijing, from the first midnight of UTC on."""


def person(number: int) -> str:
    """The number of somebody who takes part in orders."""
    return f"+86138{number:08d}"


def stranger(number: int) -> str:
    """The number of somebody who takes part in none; those behind the first ones call all at once."""
    return f"+86139{number:08d}"


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens in an order, so many seconds after its beginning.

    Kinds: `call`, `sms` (by `a`, `b` or `stranger`), `prolong`, `replace_b`, `call_now`, `release`.
    """

    after_s: float
    kind: str
    who: str = ""
    params: Params = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """One order: who takes part, when it begins and how long it is meant to live."""

    number: int
    mode: str
    a: str
    b: str
    at_s: float
    life_s: int
    acts: tuple[Act, ...]
    recorded: bool = False
    mates: tuple[tuple[int, int], ...] = ()
    part: int = 0

    @property
    def id(self) -> str:
        """How business systems call it; its mates are bound in one job with it."""
        return f"order-{self.number:05d}" + (f"-{self.part}" if self.part else "")


def orders_of(plan: Plan) -> list[Order]:
    """The orders of a plan, in order of their beginning."""
    found = (_order(plan, number) for number in plan.numbers)
    begun = (order for order in found if order.at_s < plan.played_days * DAY_S)
    return sorted(begun, key=lambda order: order.at_s)


def _order(plan: Plan, number: int) -> Order:
    chance = random.Random(f"{plan.seed}/order/{number}")  # noqa: S311 - repeatable, not secret
    mode = MODES[number % len(MODES)]
    a, b = chance.sample(range(PEOPLE), 2)
    at_s = chance.uniform(600, max(1200.0, plan.days * DAY_S - 6 * 3600))
    mean_s = 3 * DAY_S if chance.random() < 0.05 else 4 * 3600
    life_s = int(min(5 * DAY_S, 1200 + chance.expovariate(1 / mean_s)))
    acts = [_contact(chance, mode, at_s, life_s) for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4)))]
    acts += _changes(chance, mode, life_s)
    recorded = chance.random() < 0.5
    bulk = number % BULK == BULK_FIRST
    mates = tuple((a, b) for a, b in (chance.sample(range(PEOPLE), 2) for _ in range(3))) if bulk else ()
    in_order = tuple(sorted(acts, key=lambda act: act.after_s))
    return Order(number, mode, person(a), person(b), at_s, life_s, in_order, recorded, mates)


def _contact(chance: random.Random, mode: str, at_s: float, life_s: int) -> Act:
    after_s = chance.uniform(30, life_s * 1.05)
    if chance.random() < 0.15:
        # Across midnight in Beijing, when the order lives then.
        to_midnight = (_MIDNIGHT_S - at_s) % DAY_S
        after_s = to_midnight - chance.uniform(60, 600) if 700 < to_midnight < life_s else after_s
    who = chance.choices(("a", "b", "stranger"), (45, 45, 10))[0]
    if chance.random() < 0.2 and mode in ("AX", "AXB", "X"):
        return Act(after_s, "sms", who, {"text": "on my way " * chance.choice((1, 1, 9))})
    outcome = chance.choices(("answered", "no_answer", "busy", "caller_hangup_ringing"), (70, 15, 10, 5))[0]
    talk_s = chance.choice((0, 3, 59, 60, 61, 119, 121, 400, 1900))
    params: dict[str, str | int | float | bool] = {
        "outcome": outcome,
        "talk_s": talk_s,
        "stranger": chance.randrange(STRANGERS),
    }
    return Act(after_s, "call", who, params)


def _changes(chance: random.Random, mode: str, life_s: int) -> list[Act]:
    acts: list[Act] = []
    if chance.random() < 0.25 and mode != "AXYB":
        by_s = chance.choice((-600, 1800, 7200))
        acts.append(Act(chance.uniform(0.2, 0.7) * life_s, "prolong", params={"by_s": by_s}))
    if chance.random() < 0.1 and mode == "AXB":
        acts.append(
            Act(chance.uniform(0.2, 0.7) * life_s, "replace_b", params={"b": chance.randrange(PEOPLE)})
        )
    if chance.random() < 0.6:
        acts.append(Act(chance.uniform(0.5, 0.98) * life_s, "release"))
    return acts
