"""Routes of statistics: read what was counted, and have a day counted again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from privatenumber import http_request
from privatenumber.calls.report_work import CountWork
from privatenumber.calls.rooms import CallRooms
from privatenumber.calls.statistics import Group
from privatenumber.calls.statistics_report import (
    BY_APPLICATION,
    MAX_DAYS,
    Asked,
    By,
    as_csv,
    as_document,
    report,
)
from privatenumber.http_api import Response, answer, answer_file
from privatenumber.http_fields import day_of, one_of
from privatenumber.http_request import InvalidFields, Request
from privatenumber.times import beijing_day

from .asking import configured
from .routes import Route

_BODY_LIMIT: Final = 1024
_FORMATS: Final = ("json", "csv")
_GROUPS: Final = (*Group, BY_APPLICATION)
_VALUE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")


def read_statistics(rooms: CallRooms, request: Request) -> Response:
    """GET /statistics: of one application or of all, as JSON or CSV."""
    query = request.query
    form = one_of(query, "format", _FORMATS, "json")
    made = report(rooms.reports.statistics, _asked(rooms, request))
    if form == "json":
        return answer(200, as_document(made))
    name = f"statistics-{made.asked.since}-{made.asked.until}.csv"
    return answer_file(as_csv(made), media_type="text/csv; charset=utf-8", name=name)


def count_again(rooms: CallRooms, request: Request) -> Response:
    """POST /statistics/count: 202; the worker counts the day out of its rows as they are by then."""
    body = http_request.read_object(request, limit=_BODY_LIMIT)
    if set(body) != {"application", "day"}:
        raise InvalidFields(("body", "must have the fields application and day"))
    day = day_of(body, "day")
    application = configured(rooms, body["application"])
    rooms.reports.counting.check(day, now=request.at)
    rooms.reports.send([CountWork(application, day, request.at)])
    return answer(202, {"application": application, "day": day.isoformat()})


def _asked(rooms: CallRooms, request: Request) -> Asked:
    query = request.query
    application = http_request.read_default_application(query)
    today = beijing_day(request.at)
    until = day_of(query, "to") if "to" in query else today
    since = day_of(query, "from") if "from" in query else until
    if not 0 <= (until - since).days < MAX_DAYS:
        raise InvalidFields(("from", f"must be a day before to or the same, at most {MAX_DAYS} days of both"))
    group, only = one_of(query, "group", _GROUPS, Group.TOTAL), query.get("only")
    if only is not None and (group == Group.TOTAL or not _VALUE.fullmatch(only)):
        raise InvalidFields(("only", "must be a value of the group, of 1 to 256 printable characters"))
    return Asked(
        applications=(configured(rooms, application),)
        if application
        else tuple(sorted(rooms.applications.load())),
        since=since,
        until=until,
        by=By(one_of(query, "by", tuple(By), By.DAY)),
        group=group,
        only=only,
    )


ROUTES: Final[Mapping[str, Route]] = {
    "GET /statistics": read_statistics,
    "POST /statistics/count": count_again,
}
