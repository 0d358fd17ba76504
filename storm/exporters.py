"""People in the back office: each morning they have calls and texts of the day before written into files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Final

from emulator.platform import Emulator
from privatenumber.times import beijing_day
from storm.business import Business
from storm.deals import Answer
from storm.platform import NUMBERS, application_id

KINDS: Final = ("calls", "messages")
_FORMATS: Final = ("csv", "jsonl")
_MORNING_S: Final = 2 * 3600.0
_PAUSES_S: Final = (60.0, 900.0, 900.0)
"""A worker is told at once. Whoever lives on calls meanwhile, so nobody waits longer than he has to."""


@dataclass
class Wanted:
    """A file that somebody asked for: of which Beijing days, both included, and when.

    ``whole``: of all days, when all is over. ``last`` is what our API told of it at the end.
    """

    application: str
    kind: str
    format: str
    since: date
    until: date
    asked_at: datetime
    whole: bool = False
    id: str | None = None
    last: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Its key in the bucket."""
        return f"exports/{self.id}.{self.format}"

    def __str__(self) -> str:
        return f"the {self.kind} of {self.application} from {self.since} to {self.until}"


@dataclass
class Exporters:
    """They ask through our API, and repeat what was not answered well."""

    emulator: Emulator
    business: Business
    wanted: list[Wanted] = field(default_factory=list)

    def start(self) -> None:
        """Ask for each day on the morning after."""
        clock = self.emulator.scheduler

        async def ask() -> None:
            yesterday = beijing_day(clock.now()) - timedelta(days=1)
            self._want_all(yesterday, yesterday)
            clock.after(86_400, ask, "exporters")

        clock.after(_MORNING_S, ask, "exporters")

    async def last_files(self, since: date) -> None:
        """Have everything since then written once more, and look what has become of all files."""
        self._want_all(since, beijing_day(self.emulator.scheduler.now()), whole=True)
        for pause in _PAUSES_S:
            await self.emulator.scheduler.advance(pause)
            for one in self.wanted:
                self._look(one)
            if all(one.last.get("finished_at") for one in self.wanted):
                return

    def _look(self, one: Wanted) -> None:
        if one.id is not None:
            path = {"export": one.id}
            one.last = self.business.ask("GET /exports/{export}", path=path, function="CallsFunction").body

    def _want_all(self, since: date, until: date, *, whole: bool = False) -> None:
        now = self.emulator.scheduler.now()
        for mode in NUMBERS:
            for kind in KINDS:
                form = _FORMATS[len(self.wanted) // len(KINDS) % len(_FORMATS)]
                one = Wanted(application_id(mode), kind, form, since, until, now, whole)
                self.wanted.append(one)
                key = f"export-{len(self.wanted)}"
                self.business.insist(partial(self._ask, one, key))

    def _ask(self, one: Wanted, key: str) -> Answer:
        body = {
            **{"application": one.application, "kind": one.kind, "format": one.format},
            **{"from": one.since.isoformat(), "to": one.until.isoformat()},
        }
        answer = self.business.ask("POST /exports", body=body, key=key, function="CallsFunction")
        if answer.status == 202:
            one.id = str(answer.body["id"])
        return answer
