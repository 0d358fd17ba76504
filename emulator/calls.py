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
from emulator.callrecord import Call, Prompt, Route, play_last_minute
from emulator.callscript import CALLOUT_AFTER_S, CallScript
from emulator.cdr import cdr_entry
from emulator.clock import Handle, Scheduler
from emulator.engaged import Engaged
from emulator.events import EventType, event_body
from emulator.found import ABNORMAL, Exchange, Found, Prelude
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
from emulator.preludes import ANNOUNCEMENT_S, collect, put_question
from emulator.pushes import Pusher
from emulator.recordings import Recordings
from emulator.world import Application, Mode, Number
from privatenumber.phone import is_global

_STOPPED = {
    Stage.CALLIN: ENDINGS[CallOutcome.CALLER_HANGUP_BEFORE_RINGING],
    Stage.CALLOUT: ENDINGS[CallOutcome.CALLER_HANGUP_BEFORE_RINGING],
    Stage.ALERTING: ENDINGS[CallOutcome.CALLER_HANGUP_RINGING],
    Stage.ANSWER: ANSWERED_END,
}


@dataclass(slots=True)
class Run:
    """A call that has not ended: its script, the private number, whose it is, and the next step."""

    call: Call
    script: CallScript
    number: Number
    application: Application
    found: Found
    handle: Handle | None = None


Step = Callable[[Run, datetime], None]


class CallEngine:
    """Runs calls and keeps them: `calls` holds every call by `sessionId`, in order of arrival."""

    def __init__(
        self,
        exchange: Exchange,
        clock: Scheduler,
        pusher: Pusher,
        books: Books,
        recordings: Recordings,
        chance: random.Random,
    ) -> None:
        self.calls: dict[str, Call] = {}
        self.exchange = exchange
        self.pusher = pusher
        self._world = exchange.world
        self._clock = clock
        self._settings = settings = exchange.settings
        self._cdrs = CdrBatcher(clock, pusher, settings.cdr)
        self._books = books
        self._recordings = recordings
        self._ids = CallIds(chance, settings.session_id_style)
        self._engaged = Engaged()
        self._running: dict[str, Run] = {}

    def place(self, script: CallScript, *, redial_of: str | None = None) -> Call | None:
        """Let a call arrive now. None when nobody knows the number: no event, no CDR (axb.md §6.2 row 1)."""
        number = self._world.numbers.get(script.called)
        if number is None or number.deleted or number.app_key not in self._world.applications:
            return None
        now = self._clock.now()
        engaged = self._x_engaged(number.x)
        decision = decide(self.exchange, number, script.caller, now, x_engaged=engaged)
        call = self._arrive(script.caller, number, now.replace(microsecond=0))
        call.redial_of = redial_of
        application = self._world.applications[number.app_key]
        run = self._running[call.session_id] = Run(call, script, number, application, decision.found)
        self._engaged.add(call.caller, call.session_id)
        self._begin(run, decision)
        return call

    def _begin(self, run: Run, decision: Decision) -> None:
        """Tell of the arrival and start what follows; X mode asks, unless the call is refused at the door."""
        call, found = run.call, decision.found
        if decision.refused is not None:
            self.refuse(run, self.after_arrival(call, ANNOUNCEMENT_S), found, refusal(decision.refused))
        elif found.prelude is Prelude.NONE:
            self.connect(run, self.after_arrival(call, CALLOUT_AFTER_S), found)
        if call.mode is not Mode.X:
            self.push_event(EventType.CALLIN, call, call.call_in_at)
        elif not decision.at_door:
            put_question(self, run)
        if decision.refused is None and found.prelude is Prelude.DIGITS:
            self.next(run, self.after_arrival(call, CALLOUT_AFTER_S), lambda run, at: collect(self, run, at))

    def connect(self, run: Run, when: datetime, found: Found) -> None:
        """Take the way that was found: the second leg starts at ``when``."""
        run.found = found
        _apply(run.call, found)
        route = run.call.route = found.route
        run.call.recorded = route is not None and route.record and run.application.recording
        if run.call.recorded and route is not None and route.record_hint_tone is None:
            run.call.notes.append("recorded without recordHintTone")
        found.on_accepted(self._clock.now())
        self.next(run, when, self._callout)

    def refuse(self, run: Run, when: datetime, found: Found, ending: Ending) -> None:
        """End a call whose binding is known, after its announcement or tone."""
        _apply(run.call, found)
        if found.end_tone and ending.state_code == found.refused:
            run.call.prompts.append(Prompt(found.end_tone, "caller", run.call.call_in_at))
        self.end_later(run, when, ending)

    def after_arrival(self, call: Call, seconds: int) -> datetime:
        """Return a moment so many seconds after a call arrived, not before now."""
        return max(_moment(call, seconds), self._clock.now().replace(microsecond=0))

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
        await self.pusher.settle()

    def stoppable(self, app_key: str, session_id: str) -> Call | None:
        """Return a running call of the application; of X mode only once its question was answered."""
        run = self._running.get(session_id)
        if run is None or run.call.app_key != app_key:
            return None
        return run.call if run.call.mode is not Mode.X or run.call.route is not None else None

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

    def _arrive(self, caller: str, number: Number, at: datetime) -> Call:
        session_id, icid = self._ids.next_call(caller, number.x, at)
        call = self.calls[session_id] = Call(
            session_id=session_id,
            icid=icid,
            app_key=number.app_key,
            mode=self._world.applications[number.app_key].mode,
            caller=caller,
            dialled=number.x,
            direction=ABNORMAL,
            call_in_at=at,
            number_type=number.number_type,
            area_code=number.area_code,
        )
        return call

    def _x_engaged(self, x: str) -> bool:
        """Whether somebody is being connected through an X at this moment."""
        return any(run.call.dialled == x and run.call.route is not None for run in self._running.values())

    def _callout(self, run: Run, at: datetime) -> None:
        call, route = run.call, _route(run.call)
        call.started_at = at
        run.found.on_callout(at)
        tones = (route.pre_voice, route.record_hint_tone)
        call.prompts += [Prompt(tone, "caller", at) for tone in tones if tone]
        self.push_event(EventType.CALLOUT, call, at)
        outcome = self._what_happens(run, route.destination)
        if outcome in RINGING:
            self._engaged.add(route.destination, call.session_id)
            self.next(run, _reaction(call, run.script.ring_after_s), self._alerting)
            return
        silent = outcome is CallOutcome.NO_REACTION
        end = at + timedelta(seconds=self._settings.calls.connect_timeout_s) if silent else None
        ending = ENDINGS[outcome] if outcome is not None else MALFORMED_CALLEE_END
        by = RELEASED_BY.get(outcome) if outcome is not None else None
        self.end_later(run, end or _reaction(call, run.script.ring_after_s), ending, by)

    def _what_happens(self, run: Run, destination: str) -> CallOutcome | None:
        """Return the script's outcome, or busy when the callee is; None for a number nobody can dial."""
        if not is_global(destination):
            return None
        wanted = run.script.outcome
        engaged = self._engaged.busy(destination, but=run.call.session_id)
        return CallOutcome.BUSY if wanted in RINGING and engaged and not run.script.override_busy else wanted

    def _alerting(self, run: Run, at: datetime) -> None:
        call, outcome = run.call, run.script.outcome
        call.alerting_at = at
        self.push_event(EventType.ALERTING, call, at)
        reaction = _reaction(call, run.script.reaction_after_s)
        if outcome is CallOutcome.ANSWERED:
            self.next(run, reaction, self._answer)
        elif outcome is CallOutcome.NO_ANSWER:
            patience = timedelta(seconds=self._settings.calls.no_answer_s)
            self.end_later(run, at + patience, ENDINGS[outcome])
        else:
            self.end_later(run, reaction, ENDINGS[outcome], RELEASED_BY.get(outcome))

    def _answer(self, run: Run, at: datetime) -> None:
        call, script = run.call, run.script
        call.answered_at = at
        run.found.on_answer(at)
        self.push_event(EventType.ANSWER, call, at)
        route = _route(call)
        if route.greeting:
            call.prompts.append(Prompt(route.greeting, "callee", at))
        limit_s = route.max_duration_min * 60
        if limit_s and script.talk_s >= limit_s:
            self.end_later(run, at + timedelta(seconds=limit_s), MAX_DURATION_END)
        else:
            self.end_later(run, at + timedelta(seconds=script.talk_s), ANSWERED_END, script.hangup_by)

    def _end(self, run: Run, at: datetime, ending: Ending, by: Party | None) -> None:
        call = run.call
        call.ended_at, call.ending, call.released_by, call.next_at = at, ending, by, None
        if run.handle is not None:
            run.handle.cancel()
        del self._running[call.session_id]
        self._engaged.remove(call.session_id)
        play_last_minute(call)
        call.recording = self._recordings.make(call, self._ids.recording_name)
        self._books.record(call)
        self.push_event(EventType.DISCONNECT, call, at)
        application = self._world.applications.get(call.app_key)
        if application is not None:
            self._cdrs.add(application, cdr_entry(call, application.account, self._settings))
        self._redial(run)

    def _redial(self, run: Run) -> None:
        script = run.script
        if script.redial_after_s is None or run.call.answered_at is not None:
            return
        again = script.model_copy(update={"outcome": script.redial_outcome, "redial_after_s": None})

        async def place() -> None:
            self.place(again, redial_of=run.call.session_id)

        self._clock.after(script.redial_after_s, place, "redial")

    def next(self, run: Run, when: datetime, step: Step) -> None:
        """Let a step of a call happen at a moment, unless the call has ended by then."""

        async def take() -> None:
            if not run.call.ended:
                step(run, when)

        run.call.next_at = when
        run.handle = self._clock.at(when, take, f"call {run.call.icid}")

    def end_later(self, run: Run, when: datetime, ending: Ending, by: Party | None = None) -> None:
        """Let a call end at a moment."""
        self.next(run, when, lambda run, at: self._end(run, at, ending, by))

    def push_event(self, event: EventType, call: Call, at: datetime, digits: str | None = None) -> None:
        """Push an event of a call; ``digits`` only with collectInfo."""
        application = self._world.applications.get(call.app_key)
        if application is not None:
            body = event_body(event, call, at, self._settings, digits=digits)
            self.pusher.push(application, "status", body)


def _apply(call: Call, found: Found) -> None:
    """Enter into a call what was found for it."""
    call.direction = found.direction
    call.subscription_id = found.subscription_id
    call.user_data = found.user_data
    call.extension = found.extension


def _moment(call: Call, seconds: int) -> datetime:
    return call.call_in_at + timedelta(seconds=seconds)


def _reaction(call: Call, seconds: int) -> datetime:
    """When the far end reacts: digits and questions before the second leg put it off."""
    started = call.started_at or call.call_in_at
    return started + timedelta(seconds=seconds - CALLOUT_AFTER_S)


def _route(call: Call) -> Route:
    if call.route is None:
        raise ValueError("a call without a route has no second leg")
    return call.route
