"""What the worker of reports is told: an export to go on with, or a day to be counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime

from privatenumber.times import from_iso, iso


@dataclass(frozen=True, slots=True)
class ExportWork:
    """An export that may be taken up at ``as_of``."""

    export_id: str
    as_of: datetime

    def to_body(self) -> str:
        """Render the message body."""
        return json.dumps({"export": self.export_id, "as_of": iso(self.as_of)})


@dataclass(frozen=True, slots=True)
class CountWork:
    """A Beijing day of an application that is to be counted, as it is at ``as_of`` or later."""

    application: str
    day: date
    as_of: datetime

    def to_body(self) -> str:
        """Render the message body."""
        told = {"application": self.application, "day": self.day.isoformat(), "as_of": iso(self.as_of)}
        return json.dumps(told)


def read_work(body: str) -> ExportWork | CountWork:
    """Read a message body; raises ValueError when it is not one of ours."""
    try:
        told = json.loads(body)
        as_of = from_iso(told["as_of"])
        if "export" in told:
            return ExportWork(str(told["export"]), as_of)
        return CountWork(str(told["application"]), date.fromisoformat(told["day"]), as_of)
    except (KeyError, TypeError):
        raise ValueError("not a message to the worker of reports") from None
