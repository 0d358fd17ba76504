"""What says that a run of billing will never work as it was asked: it is told, and not tried again."""

from __future__ import annotations


def refusals() -> tuple[type[Exception], ...]:
    """The exceptions; what raises them is imported only now, since most runs need none of it."""
    from privatenumber.billing.closing.runs import BillingRequestError
    from privatenumber.billing.ledger import MonthTooLarge
    from privatenumber.billing.planning.spend import BudgetError
    from privatenumber.billing.reconciliation.layouts import LayoutError
    from privatenumber.billing.tariff.prices import PriceListError
    from privatenumber.csv_table import FileRefused
    from privatenumber.store.files import FileMissing, FileTooLarge

    return (
        BillingRequestError,
        MonthTooLarge,
        BudgetError,
        LayoutError,
        PriceListError,
        FileRefused,
        FileMissing,
        FileTooLarge,
    )
