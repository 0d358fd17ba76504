"""Routes of the tariff: price lists and packages, each change with its author and reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.billing.tariff.packages import PackageOrder, read_order
from privatenumber.billing.tariff.reading import price_book_of
from privatenumber.http_api import Response, answer
from privatenumber.http_fields import read_actor, read_why
from privatenumber.http_request import InvalidFields, Request
from privatenumber.numbers_in_text import holds_number
from privatenumber.store.tariffs import PACKAGES, PRICES, Change, Written
from privatenumber.times import iso

from .asking import read_exact
from .routes import Route

_BODY_LIMIT: Final = 256 * 1024
_WHY: Final = "why"


def read_prices(rooms: BillRooms, request: Request) -> Response:
    """GET /prices: the lists in force, what looks wrong in them, and who changed them when and why."""
    book = rooms.tariffs.prices()
    shown = {**book.document(), "warnings": list(book.warnings()), "versions": _history(rooms, PRICES)}
    return answer(200, shown)


def put_prices(rooms: BillRooms, request: Request) -> Response:
    """PUT /prices: the whole book anew; the same again changes nothing. What is closed stays as it is."""
    body = read_exact(request, limit=_BODY_LIMIT)
    why = read_why(body, required=True)
    given = {name: value for name, value in body.items() if name != _WHY}
    if "lists" not in given:
        raise InvalidFields(("lists", "must be given: an empty list leaves the published prices alone"))
    book = price_book_of(given)
    written = rooms.tariffs.set_prices(book, Change(read_actor(request), why, request.at))
    return answer(200, {**book.document(), "warnings": list(book.warnings()), **_written(written)})


def read_packages(rooms: BillRooms, request: Request) -> Response:
    """GET /packages: what was bought, and who entered it when and why."""
    orders = [order_view(order) for order in rooms.tariffs.orders()]
    return answer(200, {"packages": orders, "versions": _history(rooms, PACKAGES)})


def add_package(rooms: BillRooms, request: Request) -> Response:
    """POST /packages: enter a purchase by its order number; 201, and 200 when it is entered already.

    The number is shown to everybody who reads bills, so nobody's phone number can be one.
    """
    body = read_exact(request, limit=_BODY_LIMIT)
    why = read_why(body, required=False)
    order = read_order({name: value for name, value in body.items() if name != _WHY})
    if holds_number(order.number):
        raise InvalidFields(("number", "must hold no phone number"))
    written = rooms.tariffs.buy(order, Change(read_actor(request), why, request.at))
    headers = {} if written.changed else {"idempotent-replay": "true"}
    return answer(201 if written.changed else 200, {**order_view(order), **_written(written)}, headers)


def withdraw_package(rooms: BillRooms, request: Request) -> Response:
    """DELETE /packages/{order}: take out a purchase that was entered wrongly; why has to be said."""
    why = read_why(request.query, required=True)
    written = rooms.tariffs.withdraw(
        request.path.get("order", ""), Change(read_actor(request), why, request.at)
    )
    return answer(200, _written(written))


def order_view(order: PackageOrder) -> dict[str, Any]:
    """Show a purchase."""
    return {
        **order.document(),
        "effective_at": iso(order.effective_at),
        "expires_at": iso(order.expires_at),
    }


def _history(rooms: BillRooms, name: str) -> list[dict[str, Any]]:
    return [
        {
            "version": version.number,
            "hash": version.hash,
            "made_at": iso(version.made_at),
            "by": version.document.get("by"),
            "why": version.document.get("why"),
        }
        for version in rooms.tariff_store.history(name)
    ]


def _written(written: Written) -> dict[str, Any]:
    version = written.version
    return {"version": version.number, "hash": version.hash, "made_at": iso(version.made_at)}


ROUTES: Final[Mapping[str, Route]] = {
    "GET /prices": read_prices,
    "PUT /prices": put_prices,
    "GET /packages": read_packages,
    "POST /packages": add_package,
    "DELETE /packages/{order}": withdraw_package,
}
