"""The operators: they enter numbers that were given back, and read what drift repair has found every day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from emulator.platform import Emulator
from privatenumber.times import beijing_day
from storm.business import Business
from storm.deals import Answer
from storm.lambdas import Lambdas
from storm.platform import NUMBERS, application_id

Difference = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CountedDay:
    """A day of an application: as of when it was counted by the daily runs (None: it was not), what they made
    of it, and what came of counting it once more.
    """

    application: str
    day: date
    as_of: str | None
    first: Mapping[str, Any]
    again: Mapping[str, Any]


_ROUNDS: Final = 6
_PAUSE_S: Final = 600.0
_COUNTED_S: Final = 30.0
"""A worker is told at once. Whoever lives on calls meanwhile, and nobody counted that."""

_HOURS: Final = 30


@dataclass
class Operators:
    """People with the rights of operators. ``found`` are the differences that they read of, ``left`` those
    of a last run over everything, made when all is quiet.
    """

    emulator: Emulator
    business: Business
    lambdas: Lambdas
    found: dict[str, Difference] = field(default_factory=dict)
    left: list[Difference] = field(default_factory=list)
    counted: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    days: list[CountedDay] = field(default_factory=list)
    forgotten: str | None = field(default=None, repr=False)
    erasure: str | None = None
    erased: Mapping[str, Any] | None = None

    def start(self) -> None:
        """Look at drift each day, when its run is over."""
        clock = self.emulator.scheduler

        async def look() -> None:
            for mode in NUMBERS:
                self._read(application_id(mode))
            clock.after(86_400, look, "operators")

        clock.after(6 * 3600, look, "operators")

    def number_returned(self, x: str) -> None:
        """An hour after a number was given back its day is entered; what is not answered well is repeated."""
        day = beijing_day(self.emulator.scheduler.now()).isoformat()
        body = {"state": "retired", "unsubscribed_on": day}
        self._later(3600, lambda: self.business.ask("PUT /numbers/{x}", path={"x": x}, body=body))

    def person_called(self, number: str) -> None:
        """Somebody who called wants to be forgotten half an hour later, while his pushes may still come."""
        self.forgotten = number
        self._later(1800, lambda: self._erase(number))

    def _erase(self, number: str) -> Answer:
        body = {"numbers": [number], "reason": "he asked for it"}
        answer = self.business.ask("POST /erasures", body=body, key="erasure-1", function="ErasureFunction")
        self.erasure = answer.body["id"] if answer.status == 202 else None
        return answer

    async def await_erasure(self) -> None:
        """Until the person is forgotten: he is looked for a second time after a day."""
        for _ in range(_HOURS):
            if self.erasure is None:
                return
            answer = self.business.ask(
                "GET /erasures/{erasure}", path={"erasure": self.erasure}, function="ErasureFunction"
            )
            if answer.body.get("state") == "done":
                self.erased = answer.body
                return
            await self.emulator.scheduler.advance(3600)

    def _later(self, after_s: float, ask: Callable[[], Answer]) -> None:
        async def begin() -> None:
            self.business.insist(ask)

        self.emulator.scheduler.after(after_s, begin, "operators")

    async def last_look(self) -> None:
        """Compare everything once more, end what nobody ordered, and compare again."""
        for last in (False, True):
            runs = {mode: self._begun(application_id(mode)) for mode in NUMBERS}
            for _ in range(_ROUNDS):
                self.lambdas.invoke("DriftFunction", {})
                await self.emulator.scheduler.advance(_PAUSE_S)
            for mode, run in runs.items():
                found = self._differences(application_id(mode), run)
                self.left += [one for one in found if last and one["state"] != "gone"]

    async def count(self, since: date) -> None:
        """Have every day since then counted once more, and read one line for each application.

        What the daily runs made of each day is read before.
        """
        today = beijing_day(self.emulator.scheduler.now())
        days = [since + timedelta(days=back) for back in range((today - since).days + 1)]
        wanted = [(application_id(mode), day) for mode in NUMBERS for day in days]
        before = {(name, day): self._day(name, day) for name, day in wanted}
        for application, day in wanted:
            event = {"action": "count", "application": application, "day": day.isoformat()}
            self.lambdas.invoke("ReportsSweepFunction", event)
        await self.emulator.scheduler.advance(_COUNTED_S)
        for (application, day), (as_of, first) in before.items():
            _, again = self._day(application, day)
            self.days.append(CountedDay(application, day, as_of, first, again))
        for mode in NUMBERS:
            application = application_id(mode)
            answer = self._statistics(application, since, today, by="all")
            if answer.status == 200 and answer.body["lines"]:
                (self.counted[application],) = answer.body["lines"]

    def _day(self, application: str, day: date) -> tuple[str | None, Mapping[str, Any]]:
        """As of when a day was counted, and its line; no line: nothing happened."""
        body = self._statistics(application, day, day, by="day").body
        lines: list[Mapping[str, Any]] = body["lines"]
        return body.get("as_of"), lines[0] if lines else {}

    def _statistics(self, application: str, since: date, until: date, *, by: str) -> Answer:
        query = {"application": application, "by": by, "group": "total"}
        days = {"from": since.isoformat(), "to": until.isoformat()}
        return self.business.ask("GET /statistics", query={**query, **days}, function="CallsFunction")

    def _begun(self, application: str) -> str:
        answer = self.business.ask("POST /drift", body={"application": application})
        if answer.status != 202:
            raise RuntimeError(f"no drift run was begun: {answer}")
        return str(answer.body["id"])

    def _read(self, application: str) -> None:
        for run in self._get("GET /drift", application).body.get("runs", ()):
            if run["state"] == "done":
                self._differences(application, run["id"])

    def _differences(self, application: str, run: str) -> list[Difference]:
        """What a run has found; what only the platform knows, so that nobody ordered it, is ended."""
        answer = self._get("GET /drift/{run}", application, run=run)
        differences: list[Difference] = list(answer.body.get("differences", ()))
        for one in differences:
            self.found[f"{run} {one['id']}"] = one
            if one["kind"] == "platform_only" and one["state"] == "listed" and one["subscription_id"]:
                self.business.ask(
                    "POST /drift/{run}/{difference}",
                    path={"run": run, "difference": one["id"]},
                    query={"why": "nobody ordered it"},
                    body={"application": application, "decision": "unbind"},
                )
        return differences

    def _get(self, route: str, application: str, **path: str) -> Answer:
        return self.business.ask(route, path=path, query={"application": application})
