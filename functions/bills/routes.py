"""What a route is."""

from __future__ import annotations

from collections.abc import Callable

from privatenumber.billing.bill_rooms import BillRooms
from privatenumber.http_api import Response
from privatenumber.http_request import Request

Route = Callable[[BillRooms, Request], Response]
"""Answers the requests of one method and path."""
