"""HTTP API of business systems: bindings and X numbers. Decode, call the domain, encode.

Routing is a dictionary over `routeKey` (payload format 2.0), authorisation is API Gateway's (IAM). A request
is never logged: one line per answer says route, status, caller and request id.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.commands import BindCommand
from privatenumber.bindings.errors import BindingNotFound
from privatenumber.bindings.model import Binding, State
from privatenumber.bindings.numbers import KEEP, NumberChange, Outcome
from privatenumber.settings import Mode, Settings
from privatenumber.telemetry import get_logger, get_metrics
from privatenumber.times import utc_now

from . import queries
from .event import LambdaContext, Request, read_event
from .problems import FileRejected, NoSuchRoute, answer_problem, describe
from .requests import BindBody, ChangeBody, NumberBody, read_body, require_change
from .responses import (
    Response,
    answer,
    binding_view,
    bindings_view,
    import_view,
    numbers_view,
    read_number_cursor,
    registered_view,
)

_SETTLES_IN_S: Final = 15  # the sweep looks after an unknown outcome every minute, a repetition at once
_COUNTED: Final[Mapping[str | int, str]] = {
    201: "Created",
    202: "NotSettled",
    "no-number-available": "PoolEmpty",
    "platform-paused": "PlatformPaused",
    "platform-refused": "PlatformRefused",
    "internal": "InternalErrors",
}
_BINDING_ID: Final = re.compile(r"[a-z0-9]{1,64}", re.ASCII)

logger = get_logger("bindings")
metrics = get_metrics("bindings")


@cache
def rooms() -> Rooms:
    """Compose the domain once per environment, at the first request."""
    return Rooms(Settings.from_environment(os.environ), count=_count)


def handler(event: Mapping[str, Any], context: LambdaContext) -> Response:
    """Answer one request of the HTTP API; never raises."""
    request = read_event(event, context)
    about = {"route": _known(request.route), "request_id": request.id, "actor": request.actor}
    if _BINDING_ID.fullmatch(request.path.get("id", "")):
        about["binding"] = f"/bindings/{request.path['id']}"
    try:
        response = _answer(request)
    except Exception as error:
        problem = describe(error, utc_now())
        about["problem"] = problem.kind
        if problem.kind == "internal":
            logger.exception("failed", extra=about)
        response = answer_problem(problem, request.id)
    status = response["statusCode"]
    about["binding"] = response["headers"].get("location", about.get("binding"))
    logger.info("answered", extra={**about, "status": status})
    _count(_COUNTED.get(about.get("problem") or status, "Answered"), 1)
    metrics.flush_metrics()
    return response


def create_binding(request: Request) -> Response:
    """POST /bindings."""
    body = read_body(request, BindBody)
    fields = body.model_dump() | {"mode": Mode(body.mode)}
    command = BindCommand(**fields, idempotency_key=queries.read_idempotency_key(request))
    result = rooms().service.bind(command, deadline=request.deadline)
    headers = {"location": f"/bindings/{result.binding.id}"}
    if not result.created:
        headers["idempotent-replay"] = "true"
    return _binding_answer(result.binding, 201 if result.created else 200, headers)


def read_binding(request: Request) -> Response:
    """GET /bindings/{id}."""
    return answer(200, binding_view(rooms().service.get(_binding_id(request))))


def find_bindings(request: Request) -> Response:
    """GET /bindings?application=&order= | number= | x=."""
    name, value = queries.read_filter(request.query)
    page = rooms().service.find(
        application=queries.read_application(request.query),
        limit=queries.read_limit(request.query, 20),
        cursor=queries.read_cursor(request.query),
        **{name: value},
    )
    return answer(200, bindings_view(page))


def change_binding(request: Request) -> Response:
    """PATCH /bindings/{id}."""
    body = read_body(request, ChangeBody)
    require_change(body)
    binding = rooms().service.change(_binding_id(request), deadline=request.deadline, **body.model_dump())
    return _binding_answer(binding, 200, {})


def release_binding(request: Request) -> Response:
    """DELETE /bindings/{id}?reason=."""
    reason = queries.read_reason(request.query)
    binding = rooms().service.release(_binding_id(request), reason=reason, deadline=request.deadline)
    return _binding_answer(binding, 200, {})


def list_numbers(request: Request) -> Response:
    """GET /numbers?application=&area=&state=."""
    cursor = queries.read_cursor(request.query)
    page = rooms().inventory.page(
        queries.read_application(request.query),
        area_code=queries.read_area(request.query),
        state=queries.read_state(request.query),
        limit=queries.read_limit(request.query, 100),
        after=read_number_cursor(cursor) if cursor else None,
    )
    return answer(200, numbers_view(page))


def put_number(request: Request) -> Response:
    """PUT /numbers/{x}."""
    body = read_body(request, NumberBody)
    change = NumberChange(
        application=body.application,
        area_code=body.area_code,
        number_type=body.number_type,
        state=body.state,
        issued_on=body.issued_on if "issued_on" in body.model_fields_set else KEEP,
        unsubscribed_on=body.unsubscribed_on if "unsubscribed_on" in body.model_fields_set else KEEP,
    )
    registered = rooms().inventory.put(request.path.get("x", ""), change)
    return answer(201 if registered.outcome is Outcome.CREATED else 200, registered_view(registered))


def import_numbers(request: Request) -> Response:
    """POST /numbers/import?application=&dry_run=."""
    report = rooms().number_import.run(
        request.body(accepted=queries.CSV_TYPES, limit=queries.CSV_LIMIT),
        application=queries.read_default_application(request.query),
        dry_run=queries.read_flag(request.query, "dry_run"),
        deadline=request.deadline,
    )
    if report.refused:
        raise FileRejected(report)
    return answer(200, import_view(report))


ROUTES: Final[Mapping[str, Callable[[Request], Response]]] = {
    "POST /bindings": create_binding,
    "GET /bindings": find_bindings,
    "GET /bindings/{id}": read_binding,
    "PATCH /bindings/{id}": change_binding,
    "DELETE /bindings/{id}": release_binding,
    "GET /numbers": list_numbers,
    "PUT /numbers/{x}": put_number,
    "POST /numbers/import": import_numbers,
}


def _answer(request: Request) -> Response:
    route = ROUTES.get(request.route)
    if route is None:
        raise NoSuchRoute
    return rooms().opening(lambda: route(request))


def _binding_id(request: Request) -> str:
    binding_id = request.path.get("id", "")
    if not _BINDING_ID.fullmatch(binding_id):
        raise BindingNotFound
    return binding_id


def _binding_answer(binding: Binding, status: int, headers: Mapping[str, str]) -> Response:
    """Answer 202 with a time to ask again while the platform's view of the binding is not certain."""
    if binding.settled and binding.state is not State.RELEASING:
        return answer(status, binding_view(binding), headers)
    waiting = {"location": f"/bindings/{binding.id}", "retry-after": str(_SETTLES_IN_S)}
    return answer(202, binding_view(binding), {**headers, **waiting})


def _known(route: str) -> str:
    return route if route in ROUTES else "(unknown)"


def _count(name: str, value: float) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
