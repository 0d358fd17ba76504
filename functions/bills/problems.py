"""Errors as problem documents (RFC 9457): the one place where an error about bills gets a status and words.

No document contains anything that a caller sent; the last step masks what looks like a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber.billing.disputes.desk import NoSuchDispute, NotDisputable
from privatenumber.billing.disputes.states import AmountOutOfRange, NotAllowed
from privatenumber.billing.outputs import CannotRender
from privatenumber.billing.reconciliation.findings import IsDisputed, NoSuchDifference
from privatenumber.billing.reconciliation.requested import NoSuchRun, NotCompared, OtherRun
from privatenumber.billing.tariff.fields import TariffError
from privatenumber.http_api import Kind
from privatenumber.http_fields import NOT_A_CURSOR
from privatenumber.http_serving import USUAL_KINDS, Described, Problem, invalid
from privatenumber.store.complaints import ComplaintConflict
from privatenumber.store.due import Overtaken
from privatenumber.store.files import FileTooLarge
from privatenumber.store.tariffs import NoSuchPurchase, PurchaseConflict
from privatenumber.store.transactions import Contended
from privatenumber.store.version_pages import PlaceGone
from privatenumber.store.versions import VersionTaken

KINDS: Final[Mapping[str, Kind]] = {
    **USUAL_KINDS,
    "statement-not-found": Kind(
        404, "Statement not found", "GET /statements lists the months that have one."
    ),
    "reconciliation-not-found": Kind(
        404, "Reconciliation not found", "GET /reconciliations lists those of a month."
    ),
    "difference-not-found": Kind(
        404, "Difference not found", "GET /reconciliations/{reconciliation} lists what it has found."
    ),
    "dispute-not-found": Kind(404, "Dispute not found", "GET /disputes lists what there is."),
    "record-not-found": Kind(
        404,
        "Record not found",
        "Only records of days that were closed are found, by the address of their fact.",
    ),
    "plan-not-found": Kind(404, "No plan yet", "A plan is made every day; ask for a month that has one."),
    "package-not-found": Kind(404, "Purchase not found", "GET /packages lists what was entered."),
    "purchase-differs": Kind(
        409, "Purchase is entered with other content", "Withdraw it first when it was entered wrongly."
    ),
    "not-compared": Kind(
        409, "Nothing is compared", "Wait until the reconciliation is done; an import has nothing to import."
    ),
    "not-disputable": Kind(409, "Difference cannot be disputed", "Read it again: it says what it is now."),
    "dispute-act-not-allowed": Kind(
        409, "Act not possible in this state", "Read the dispute again: its state says what can be done."
    ),
    "difference-disputed": Kind(409, "Difference is disputed", "Move or withdraw its dispute."),
    "complaint-differs": Kind(
        409, "Complaint is entered with other content", "Use another id for another complaint."
    ),
    "overtaken": Kind(409, "Somebody was faster", "Read it again, then decide again."),
    "too-many-lines": Kind(
        422, "Statement too long for a file", "Read its lines page by page, or invoke the billing function."
    ),
    "cannot-be-rendered": Kind(
        422, "Statement has no such file", "Ask for another format or table, or price what has no price."
    ),
    "too-much-to-rate": Kind(
        422,
        "Month too large to be rated while somebody waits",
        "Put the prices and let the next run rate it.",
    ),
    "busy": Kind(503, "Too many writers", "Repeat the request."),
}


class StatementUnknown(Exception):
    """The month has no statement, or none of that version."""


class RecordUnknown(Exception):
    """No close has a record at this address."""


class PlanUnknown(Exception):
    """The month has no plan."""


class TooMuchToRate(Exception):
    """A month of so many records cannot be rated while somebody waits."""


class TooManyLines(Exception):
    """A file of so many lines cannot be made while somebody waits."""


def _overtaken(_: Exception) -> Problem:
    return Problem("overtaken", "It is not as it was read, or not of the version that was named.")


def _busy(_: Exception) -> Problem:
    return Problem("busy", "Others wrote the same at the same time.")


DESCRIBED: Final[Described] = {
    StatementUnknown: lambda _: Problem("statement-not-found", "The month has no such statement."),
    TooManyLines: lambda _: Problem("too-many-lines", "The statement has too many lines for a file."),
    CannotRender: lambda error: Problem("cannot-be-rendered", f"It cannot be made: {error}."),
    RecordUnknown: lambda _: Problem("record-not-found", "No close has a record at this address."),
    PlanUnknown: lambda _: Problem("plan-not-found", "The month has no plan."),
    TooMuchToRate: lambda _: Problem("too-much-to-rate", "The month has too many records."),
    ComplaintConflict: lambda _: Problem("complaint-differs", "The id belongs to another complaint."),
    NoSuchRun: lambda _: Problem("reconciliation-not-found", "No reconciliation has this id."),
    NoSuchDifference: lambda _: Problem("difference-not-found", "The reconciliation has no such difference."),
    NoSuchDispute: lambda _: Problem("dispute-not-found", "No dispute has this id."),
    NotDisputable: lambda error: Problem("not-disputable", f"It cannot be: {error}."),
    NotAllowed: lambda error: Problem(
        "dispute-act-not-allowed", f"The act {error.act.value} leads nowhere from {error.state.value}."
    ),
    AmountOutOfRange: lambda _: invalid(
        [("accepted", "must lie between nothing and the amount of the dispute, with its sign")]
    ),
    IsDisputed: lambda _: Problem("difference-disputed", "Its state follows its dispute."),
    NotCompared: lambda _: Problem("not-compared", "It is not done, or it is an import itself."),
    OtherRun: lambda _: Problem(
        "idempotency-mismatch", "The key belongs to a reconciliation of something else."
    ),
    TariffError: lambda error: invalid([(error.field, error.rule)]),
    NoSuchPurchase: lambda _: Problem("package-not-found", "No purchase of this order number is entered."),
    PurchaseConflict: lambda _: Problem("purchase-differs", "The order number stands with other content."),
    FileTooLarge: lambda _: invalid([("files", "must not be larger than what is read: split it by days")]),
    PlaceGone: lambda _: invalid([NOT_A_CURSOR]),
    Overtaken: _overtaken,
    VersionTaken: _busy,
    Contended: _busy,
}
