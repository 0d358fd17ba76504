"""What happens between the arrival of a call and its second leg: digits of AXE, the question of X mode."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from emulator.answers import Answer, Reader, Unusable
from emulator.callrecord import Prompt
from emulator.callscript import CALLOUT_AFTER_S
from emulator.digits import TYPING_S, typed
from emulator.events import EventType, event_body
from emulator.found import Found
from emulator.gate import judge
from emulator.lookups import TO_A, find_extension
from emulator.outcomes import CALLER_LEFT_PROMPT, CLOSED_BY_ANSWER, Party, refusal
from emulator.questions import Question, ask

if TYPE_CHECKING:
    from emulator.calls import CallEngine, Run

ANNOUNCEMENT_S = 4
"""How long a refused caller hears the announcement before the call ends."""
WRONG_EXTENSION, NOTHING_ENTERED = 8022, 8033


def collect(engine: CallEngine, run: Run, at: datetime, attempt: int = 0) -> None:
    """Prompt for an extension and collect what the caller types at this attempt (axe.md §6.1)."""
    script = run.script
    if attempt >= len(script.digits) and script.hang_up_at_prompt:
        engine.end_later(run, at + timedelta(seconds=TYPING_S), CALLER_LEFT_PROMPT, Party.CALLER)
        return
    text = script.digits[attempt] if attempt < len(script.digits) else ""
    found = typed(text, run.application.axe_digits, engine.exchange.settings.axe)
    ends = at + timedelta(seconds=found.after_s)
    engine.next(run, ends, lambda run, when: _collected(engine, run, when, found.digits, attempt))


def _collected(engine: CallEngine, run: Run, at: datetime, digits: str, attempt: int) -> None:
    engine.push_event(EventType.COLLECT_INFO, run.call, at, digits)
    found = find_extension(engine.exchange, run.number, run.call.caller, digits, at) if digits else None
    if found is not None:
        refused = judge(engine.exchange, run.application, found)
        if refused is None:
            engine.connect(run, at + timedelta(seconds=CALLOUT_AFTER_S), found)
        else:
            engine.refuse(run, at + timedelta(seconds=ANNOUNCEMENT_S), found, refusal(refused))
    elif attempt < run.application.axe_repeat_count:
        collect(engine, run, at, attempt + 1)
    else:
        code = WRONG_EXTENSION if digits else NOTHING_ENTERED
        engine.end_later(run, at + timedelta(seconds=ANNOUNCEMENT_S), refusal(code))


def put_question(engine: CallEngine, run: Run) -> None:
    """Ask the customer's server what to do; the clock stands while the answer is awaited (x.md §2)."""
    call, settings = run.call, engine.exchange.settings
    body = event_body(EventType.CALLIN, call, call.call_in_at, settings)
    question = Question(run.application, "status", body, settings.block.call_timeout_s)
    reader = Reader(engine.exchange.world, settings, run.application, run.number, call.caller)

    async def wait() -> None:
        reply = await ask(engine.pusher, question)
        if call.ended:
            return
        try:
            answer = reader.read(reply)
        except Unusable as unusable:
            engine.end_later(run, engine.after_arrival(call, ANNOUNCEMENT_S), unusable.ending)
        else:
            _follow(engine, run, answer)

    engine.pusher.beside(wait())


def _follow(engine: CallEngine, run: Run, answer: Answer) -> None:
    """Do what the customer's server decided; a connected callee may still be barred."""
    found = Found(direction=TO_A, user_data=answer.user_data, route=answer.route)
    if answer.route is None:
        when = engine.after_arrival(run.call, ANNOUNCEMENT_S)
        if answer.close_tone:
            run.call.prompts.append(Prompt(answer.close_tone, "caller", run.call.call_in_at))
        engine.refuse(run, when, found, CLOSED_BY_ANSWER)
        return
    refused = judge(engine.exchange, run.application, found)
    if refused is None:
        engine.connect(run, engine.after_arrival(run.call, CALLOUT_AFTER_S), found)
    else:
        engine.refuse(run, engine.after_arrival(run.call, ANNOUNCEMENT_S), found, refusal(refused))
