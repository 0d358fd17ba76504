"""The call engine: what happens on the platform from callin to disconnect and CDR (axb.md §6).

A call is placed by a script, judged by the gate once, and then runs by itself on the scheduler. Every call
but one to a deleted or unknown number ends with exactly one disconnect and one CDR. Times are whole seconds.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.batches import CdrBatcher
from emulator.books import Books
from emulator.callrecord import Call, Prompt, Recording, Route
from emulator.callscript import CALLOUT_AFTER_S, CallScript
from emulator.cdr import cdr_entry
from emulator.clock import Handle, Scheduler
from emulator.engaged import Engaged
from emulator.events import EventType, event_body
from emulator.gate import Decision, decide
from emulator.ids import CallIds
from emulator.outcomes import (
    ANSWERED_END,
    ENDINGS,
    MALFORMED_CALLEE_END,
    MAX_DURATION_END,
    RELEASED_BY,
    RINGING,
    CallOutcome,
    Ending,
    Party,
    Stage,
    refusal,
)
from emulator.pushes import Pusher
from emulator.settings import EmulatorSettings
from emulator.world import Number, World
from privatenumber.phone import is_global

ANNOUNCEMENT_S = 4
"""How long a refused caller hears the announcement before the call ends."""

SHORTEST_RECORDING_S = 3

_STOPPED = {
    Stage.CALLIN: ENDINGS[CallOutcome.CALLER_HANGUP_BEFORE_RINGING],
    Stage.CALLOUT: ENDINGS[CallOutcome.CALLER_HANGUP_BEFORE_RINGING],
    Stage.ALERTING: ENDINGS[CallOutcome.CALLER_HANGUP_RINGING],
    Stage.ANSWER: ANSWERED_END,
}


@dataclass(slots=True)
class _Run:
    """A call that has not ended, its script, and its next step."""

    call: Call
    script: CallScript
    handle: Handle | None = None


Step = Callable[[_Run, datetime], None]


class CallEngine:
    """Runs calls and keeps them: `calls` holds every call by `sessionId`, in order of arrival."""

    def __init__(
        self,
        world: World,
        clock: Scheduler,
        pusher: Pusher,
        books: Books,
        settings: EmulatorSettings,
        chance: random.Random,
    ) -> None:
        self.calls: dict[str, Call] = {}
        self._world = world
        self._clock = clock
        self._pusher = pusher
        self._cdrs = CdrBatcher(clock, pusher, settings.cdr)
        self._books = books
        self._settings = settings
        self._ids = CallIds(chance, settings.session_id_style)
        self._engaged = Engaged()
        self._running: dict[str, _Run] = {}

    def place(self, script: CallScript, *, redial_of: str | None = None) -> Call | None:
        """Let a call arrive now. None when nobody knows the number: no event and no CDR (axb.md §6.2 row 1).

        Raises KeyError when the number belongs to a mode that cannot be called yet.
        """
        number = self._world.numbers.get(script.called)
        if number is None or number.deleted or number.app_key not in self._world.applications:
            return None
        now = self._clock.now()
        decision = decide(self._world, self._settings, number, script.caller, now)
        call = self._arrive(script.caller, number, decision, now.replace(microsecond=0))
        call.redial_of = redial_of
        run = self._running[call.session_id] = _Run(call, script)
        self._engaged.add(call.caller, call.session_id)
        self._push_event(EventType.CALLIN, call, call.call_in_at)
        if decision.refused is not None:
            self._end_later(run, _moment(call, ANNOUNCEMENT_S), refusal(decision.refused))
        else:
            self._next(run, _moment(call, CALLOUT_AFTER_S), self._callout)
        return call

    async def place_and_wait(self, script: CallScript) -> Call | None:
        """Place a call and advance the clock until it has ended and its pushes have been attempted once.

        Pushes that a fault holds back are not waited for.
        """
        call = self.place(script)
        if call is not None:
            await self.finish(call)
        return call

    async def finish(self, call: Call) -> None:
        """Advance the clock until a call has ended, its CDR is out and all its pushes were attempted once."""
        while not call.ended:
            moment = call.next_at or self._clock.now()
            await self._clock.advance_to(moment)
            if not call.ended and call.next_at == moment:
                raise RuntimeError("a call stopped half-way; see the scheduler's failures")
        due = self._cdrs.due(call.icid)
        if due is not None:
            await self._clock.advance_to(due)
        await self._pusher.settle()

    def stop(self, app_key: str, session_id: str) -> bool:
        """End a running call at once (terminate-call); False when the application runs no such call."""
        run = self._running.get(session_id)
        if run is None or run.call.app_key != app_key:
            return False
        call = run.call
        last = call.answered_at or call.alerting_at or call.started_at or call.call_in_at
        self._end(run, max(self._clock.now().replace(microsecond=0), last), _STOPPED[call.stage], None)
        return True

    def running(self) -> list[Call]:
        """Return the calls that have not ended."""
        return [run.call for run in self._running.values()]

    def _arrive(self, caller: str, number: Number, decision: Decision, at: datetime) -> Call:
        application = self._world.applications[number.app_key]
        session_id, icid = self._ids.next_call(caller, number.x, at)
        found = decision.found
        route = found.route if decision.refused is None else None
        call = self.calls[session_id] = Call(
            session_id=session_id,
            icid=icid,
            app_key=number.app_key,
            mode=application.mode,
            caller=caller,
            dialled=number.x,
            direction=found.direction,
            call_in_at=at,
            number_type=number.number_type,
            area_code=number.area_code,
            subscription_id=found.subscription_id,
            user_data=found.user_data,
            extension=found.extension,
            route=route,
            recorded=route is not None and route.record and application.recording,
        )
        if call.recorded and route is not None and route.record_hint_tone is None:
            call.notes.append("recorded without recordHintTone")
        return call

    def _callout(self, run: _Run, at: datetime) -> None:
        call, route = run.call, _route(run.call)
        call.started_at = at
        tones = (route.pre_voice, route.record_hint_tone)
        call.prompts += [Prompt(tone, "caller", at) for tone in tones if tone]
        self._push_event(EventType.CALLOUT, call, at)
        outcome = self._what_happens(run, route.destination)
        if outcome in RINGING:
            self._engaged.add(route.destination, call.session_id)
            self._next(run, _moment(call, run.script.ring_after_s), self._alerting)
            return
        silent = outcome is CallOutcome.NO_REACTION
        end = at + timedelta(seconds=self._settings.calls.connect_timeout_s) if silent else None
        ending = ENDINGS[outcome] if outcome is not None else MALFORMED_CALLEE_END
        by = RELEASED_BY.get(outcome) if outcome is not None else None
        self._end_later(run, end or _moment(call, run.script.ring_after_s), ending, by)

    def _what_happens(self, run: _Run, destination: str) -> CallOutcome | None:
        """Return the script's outcome, or busy when the callee is; None for a number nobody can dial."""
        if not is_global(destination):
            return None
        wanted = run.script.outcome
        engaged = self._engaged.busy(destination, but=run.call.session_id)
        return CallOutcome.BUSY if wanted in RINGING and engaged and not run.script.override_busy else wanted

    def _alerting(self, run: _Run, at: datetime) -> None:
        call, outcome = run.call, run.script.outcome
        call.alerting_at = at
        self._push_event(EventType.ALERTING, call, at)
        reaction = _moment(call, run.script.reaction_after_s)
        if outcome is CallOutcome.ANSWERED:
            self._next(run, reaction, self._answer)
        elif outcome is CallOutcome.NO_ANSWER:
            patience = timedelta(seconds=self._settings.calls.no_answer_s)
            self._end_later(run, at + patience, ENDINGS[outcome])
        else:
            self._end_later(run, reaction, ENDINGS[outcome], RELEASED_BY.get(outcome))

    def _answer(self, run: _Run, at: datetime) -> None:
        call, script = run.call, run.script
        call.answered_at = at
        self._push_event(EventType.ANSWER, call, at)
        limit_s = _route(call).max_duration_min * 60
        if limit_s and script.talk_s >= limit_s:
            self._end_later(run, at + timedelta(seconds=limit_s), MAX_DURATION_END)
        else:
            self._end_later(run, at + timedelta(seconds=script.talk_s), ANSWERED_END, script.hangup_by)

    def _end(self, run: _Run, at: datetime, ending: Ending, by: Party | None) -> None:
        call = run.call
        call.ended_at, call.ending, call.released_by, call.next_at = at, ending, by, None
        if run.handle is not None:
            run.handle.cancel()
        del self._running[call.session_id]
        self._engaged.remove(call.session_id)
        _play_last_minute(call)
        call.recording = self._recording_of(call)
        self._books.record(call)
        self._push_event(EventType.DISCONNECT, call, at)
        application = self._world.applications.get(call.app_key)
        if application is not None:
            self._cdrs.add(application, cdr_entry(call, application.account, self._settings))
        self._redial(run)

    def _redial(self, run: _Run) -> None:
        script = run.script
        if script.redial_after_s is None or run.call.answered_at is not None:
            return
        again = script.model_copy(update={"outcome": script.redial_outcome, "redial_after_s": None})

        async def place() -> None:
            self.place(again, redial_of=run.call.session_id)

        self._clock.after(script.redial_after_s, place, "redial")

    def _recording_of(self, call: Call) -> Recording | None:
        if not call.recorded or call.answered_at is None:
            return None
        short = call.talk_seconds < SHORTEST_RECORDING_S
        if short and self._settings.recording.short_call == "not_recorded":
            return None
        name = self._ids.recording_name(call.answered_at)
        domain = self._settings.recording.domain
        return Recording(
            started_at=call.answered_at,
            domain=domain,
            bucket=f"sp-{call.app_key.lower()}",
            object_name=name,
            url=f"https://{domain}/{name}" if self._settings.recording.delivery == "direct_url" else None,
        )

    def _next(self, run: _Run, when: datetime, step: Step) -> None:
        async def take() -> None:
            if not run.call.ended:
                step(run, when)

        run.call.next_at = when
        run.handle = self._clock.at(when, take, f"call {run.call.icid}")

    def _end_later(self, run: _Run, when: datetime, ending: Ending, by: Party | None = None) -> None:
        self._next(run, when, lambda run, at: self._end(run, at, ending, by))

    def _push_event(self, event: EventType, call: Call, at: datetime) -> None:
        application = self._world.applications.get(call.app_key)
        if application is not None:
            self._pusher.push(application, "status", event_body(event, call, at, self._settings))


def _moment(call: Call, seconds: int) -> datetime:
    return call.call_in_at + timedelta(seconds=seconds)


def _route(call: Call) -> Route:
    if call.route is None:
        raise ValueError("a call without a route has no second leg")
    return call.route


def _play_last_minute(call: Call) -> None:
    """Note the last-minute tone, once, to both sides, when the call lasted that long (axb.md §6.3)."""
    route = call.route
    if route is None or route.last_minute_voice is None or call.answered_at is None or call.ended_at is None:
        return
    at = call.answered_at + timedelta(minutes=route.max_duration_min - 1)
    if at <= call.ended_at:
        call.prompts.append(Prompt(route.last_minute_voice, "both", at))
