"""Whose a record is: its mode, the city and enterprise of its X, the order and binding of its subscription.

Bindings are forgotten one day, bills are not: an order once found stays with its record, and so do city and
enterprise of an X that inventory and settings no longer know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from privatenumber.billing.closing.lines import UNKNOWN, Belonging, Line, fact_address
from privatenumber.settings import Mode
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.orders import OrderRef, OrderStore
from privatenumber.store.sms_rows import SmsFact
from privatenumber.store.whereabouts import Whereabouts


@dataclass(frozen=True)
class Owners:
    """What is known of one application: its mode, where its numbers belong, and what earlier closes said."""

    application: str
    mode: Mode | None
    where: Whereabouts
    orders: OrderStore
    kept: Mapping[str, Belonging] = field(default_factory=dict, repr=False)

    def __call__(self, fact: CdrFact | SmsFact, x: str | None) -> Belonging:
        """Whose a record is that is charged for this X."""
        known = self.kept.get(fact_address(fact), UNKNOWN)
        found = self._order(fact) if known.order is None else None
        city = self.where.city(x, (found.area if found else None) or known.city)
        return Belonging(
            mode=fact.mode or (self.mode.value if self.mode else None),
            city=city or None,
            enterprise=self.where.enterprise_of(x) or known.enterprise,
            order=found.order if found else known.order,
            binding=found.binding_id if found else known.binding,
        )

    def _order(self, fact: CdrFact | SmsFact) -> OrderRef | None:
        if fact.subscription_id is None:
            return None
        return self.orders.find(self.application, fact.subscription_id)


def kept_in(lines: Iterable[Line]) -> dict[str, Belonging]:
    """What an earlier close said, by the address of the fact."""
    return {
        line.fact: Belonging(line.mode, line.city, line.enterprise, line.order, line.binding)
        for line in lines
    }
