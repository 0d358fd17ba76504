"""The hourly look at every pool: how much is used up, which numbers connect too few calls, what it needs."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from privatenumber.bindings.pool import PoolInsight, PoolReport
from privatenumber.bindings.pool_history import PoolHistory
from privatenumber.bindings.pool_need import NeedKeeper
from privatenumber.bindings.quarantine import Move, QuarantineLoop
from privatenumber.deadline import Deadline
from privatenumber.privacy import mask
from privatenumber.settings import Application, Settings
from privatenumber.store import clients
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.facts import FactStore
from privatenumber.store.number_quarantine import NumberQuarantine
from privatenumber.store.numbers import NumberStore
from privatenumber.store.pool_needs import PoolNeeds
from privatenumber.store.secrets import ApplicationsSecret

_LOG: Final = logging.getLogger("privatenumber.bindings")


@dataclass(frozen=True, slots=True)
class Watched:
    """What a look found: pools that have numbers, what became of numbers, and which looks failed."""

    reports: tuple[PoolReport, ...]
    moves: Mapping[Move, int]
    failed: tuple[str, ...] = field(default=())


class PoolWatch:
    """Looks at the pools of all applications; a pool that cannot be looked at keeps no other from it."""

    def __init__(
        self,
        applications: Callable[[], Mapping[str, Application]],
        insight: PoolInsight,
        loop: QuarantineLoop,
        needs: NeedKeeper | None = None,
    ) -> None:
        self._applications = applications
        self._insight = insight
        self._loop = loop
        self._needs = needs

    def run(self, *, left: Callable[[], float]) -> Watched:
        """Look at each pool; ``left`` tells how many seconds are left, which the pools share."""
        reports: list[PoolReport] = []
        moves: Counter[Move] = Counter()
        failed: list[str] = []
        waiting = list(self._applications().values())
        while waiting:
            share = left() / len(waiting)
            application = waiting.pop(0)
            try:
                moves.update(self._moved(application))
                report = self._insight.report(application.id, deadline=Deadline.after(max(0.0, share)))
                if report.total.states:
                    reports.append(report)
                if self._needs:
                    rest = left() / (len(waiting) + 1)
                    self._needs.renew(application.id, deadline=Deadline.after(max(0.0, rest)))
            except Exception:
                _LOG.exception("pool not looked at", extra={"application": application.id})
                failed.append(application.id)
        return Watched(tuple(reports), moves, tuple(failed))

    def _moved(self, application: Application) -> Counter[Move]:
        """Run the quarantine loop first, so that the report counts what it took out."""
        moved: Counter[Move] = Counter()
        for x, move in self._loop.run(application):
            moved[move] += 1
            _LOG.warning(
                "number moved", extra={"application": application.id, "x": mask(x), "move": move.value}
            )
        return moved


def compose_watch(settings: Settings) -> PoolWatch:
    """The look of a deployment. Raises SettingsError for a variable that is missing."""
    client, table = clients.dynamodb(), settings.bindings_table
    applications = ApplicationsSecret(clients.secrets(), settings.applications_secret)
    numbers, bindings = NumberStore(client, table), BindingStore(client, table)
    search = BindingSearch(client, table)
    return PoolWatch(
        applications.load,
        PoolInsight(numbers, bindings, search, applications.load),
        QuarantineLoop(numbers, NumberQuarantine(client, table), FactStore(client, settings.bills_table)),
        NeedKeeper(PoolHistory(numbers, bindings, search, applications.load), PoolNeeds(client, table)),
    )
