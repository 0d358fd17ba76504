"""One request of the HTTP API from event to answer, and the problems that every function may have with one.

A function gives its routes, how they are called and what its own errors are. A request is never logged: one
line per answer says route, status, caller and request id. Problem documents (RFC 9457) hold nothing that was
sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from aws_lambda_powertools.metrics import Metrics, MetricUnit

from privatenumber import http_api
from privatenumber.deadline import LambdaContext
from privatenumber.http_api import Kind, Response
from privatenumber.http_request import (
    BodyTooLarge,
    InvalidFields,
    Request,
    UnreadableBody,
    WrongMediaType,
    read_event,
)
from privatenumber.numbers_in_text import safe_actor
from privatenumber.phone import InvalidNumber
from privatenumber.times import utc_now

Route = TypeVar("Route")
Handler: TypeAlias = Callable[[Mapping[str, Any], LambdaContext], Response]

INTERNAL: Final = "internal"

USUAL_KINDS: Final[Mapping[str, Kind]] = {
    "unreadable-body": Kind(400, "Body cannot be read", "Send one JSON object in UTF-8."),
    "no-such-route": Kind(404, "No such route", "See the API description."),
    "idempotency-mismatch": Kind(
        409,
        "Idempotency-Key was used for other content",
        "Use a new key for new content, and the same content to repeat a request.",
    ),
    "body-too-large": Kind(413, "Body too large", "Send less."),
    "media-type": Kind(415, "Media type not accepted", "Set Content-Type to application/json."),
    "invalid-fields": Kind(422, "Fields are not valid", "Correct the fields and send the request again."),
    INTERNAL: Kind(500, "Internal error", "Repeat the request; if it fails again report request_id."),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is written."""

    kind: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)


Described: TypeAlias = Mapping[type[Exception], Callable[[Any], Problem]]
"""What each error is; the most special class that is known decides."""


class NoSuchRoute(Exception):
    """The API has no such method and path."""


class Log(Protocol):
    """What a line is written with."""

    def info(self, msg: object, /, *, extra: Mapping[str, object] | None = ...) -> None:
        """Write what was answered."""
        ...

    def exception(self, msg: object, /, *, extra: Mapping[str, object] | None = ...) -> None:
        """Write what failed, and where."""
        ...


def invalid(broken: Iterable[tuple[str, str]]) -> Problem:
    """Fields that break a rule: pairs of field and rule, neither with a value in it."""
    listed = [{"field": name, "rule": rule} for name, rule in broken]
    detail = "; ".join(f"{one['field']}: {one['rule']}" for one in listed[:3])
    return Problem("invalid-fields", detail, {"errors": listed})


_USUAL: Final[Described] = {
    InvalidFields: lambda error: invalid(error.errors),
    InvalidNumber: lambda error: invalid([(error.field, error.rule)]),
    UnreadableBody: lambda _: Problem("unreadable-body", "The body is not one JSON object."),
    WrongMediaType: lambda error: Problem("media-type", f"This route takes {' or '.join(error.accepted)}."),
    BodyTooLarge: lambda error: Problem("body-too-large", f"A body may have {error.limit} bytes."),
    NoSuchRoute: lambda _: Problem("no-such-route", "The API has no such method and path."),
}


def describe(error: Exception, described: Described) -> Problem:
    """Find the problem that an error is; one that is not known is `internal`."""
    for kind in type(error).__mro__:
        found = described.get(kind) or _USUAL.get(kind)
        if found:
            return found(error)
    return Problem(INTERNAL, "The request could not be finished.")


def handler_of(
    routes: Mapping[str, Route],
    call: Callable[[Route, Request], Response],
    *,
    kinds: Mapping[str, Kind],
    described: Described,
    log: Log,
    metrics: Metrics,
) -> Handler:
    """The handler of a function whose routes are called by `call`. It never raises.

    It counts `Answered` and `InternalErrors`, and hands out the metrics of the request.
    """

    def answered(request: Request, about: dict[str, Any]) -> Response:
        try:
            if request.route not in routes:
                raise NoSuchRoute
            return call(routes[request.route], request)
        except Exception as error:
            problem = describe(error, described)
            about["problem"] = problem.kind
            if problem.kind == INTERNAL:
                log.exception("failed", extra=about)
                metrics.add_metric("InternalErrors", MetricUnit.Count, 1)
            return http_api.answer_problem(
                problem.kind,
                kinds[problem.kind],
                detail=problem.detail,
                request_id=request.id,
                more=problem.more,
            )

    def handler(event: Mapping[str, Any], context: LambdaContext) -> Response:
        request = read_event(event, context, utc_now())
        known = request.route if request.route in routes else "(unknown)"
        about = {"route": known, "request_id": request.id, "actor": safe_actor(request.actor)}
        response = answered(request, about)
        log.info("answered", extra={**about, "status": response["statusCode"]})
        metrics.add_metric("Answered", MetricUnit.Count, 1)
        metrics.flush_metrics()
        return response

    return handler
