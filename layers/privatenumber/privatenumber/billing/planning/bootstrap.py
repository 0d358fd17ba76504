"""The composition of plans: what they read beside the books, and what a deployment wants to be told of."""

from __future__ import annotations

from datetime import datetime

from privatenumber.billing.ledger import Ledger
from privatenumber.billing.planning.run import Limits, Planner, PlanningStores
from privatenumber.billing.planning.spend import read_budgets
from privatenumber.settings import Settings
from privatenumber.store import clients
from privatenumber.store.complaints import ComplaintStore
from privatenumber.store.numbers import NumberStore
from privatenumber.store.pool_needs import PoolNeeds
from privatenumber.store.statements import plan_store
from privatenumber.store.statistics import StatisticsStore


def compose_planner(settings: Settings, ledger: Ledger, as_of: datetime) -> Planner:
    """A planner for one moment. Raises BudgetError, SettingsError."""
    client, bills, bindings = clients.dynamodb(), settings.bills_table, settings.bindings_table
    stores = PlanningStores(
        statistics=StatisticsStore(client, bills),
        numbers=NumberStore(client, bindings),
        needs=PoolNeeds(client, bindings),
        complaints=ComplaintStore(client, bills),
        plans=plan_store(client, bills),
    )
    limits = Limits(read_budgets(settings.budgets or ""), settings.idle_days, settings.complaint_limit)
    return Planner(ledger, stores, limits, as_of)
